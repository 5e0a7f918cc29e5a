/** What is planted in JavaScript applications is found from the tool's output alone. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Profile } from "pprof-format";
import { describe, expect, it } from "vitest";
import { run } from "../native/support/program.js";
import { temporary } from "../support/temporary.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CLI = path.join(ROOT, "packages/tools/dist/cli/main.js");
const LIBRARY = path.join(ROOT, "packages/hakmem/dist/index.js");

/** A server that hands requests to a worker, which holds on to some of what it makes of them. */
const APPLICATION = `
import { writeFileSync } from "node:fs";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { attachHeap, createHeap, type Heap, type HeapProfiling, type ProfileMark } from "${LIBRARY}";

const sessions = new Map<number, number>();

class Parser {
  constructor(readonly heap: Heap) {}
  parseRequest(number: number): number {
    const text = this.heap.malloc(200 + (number % 50));
    if (number % 10 === 0) this.rememberSession(number);
    return text;
  }
  rememberSession(number: number): void {
    sessions.set(number, this.heap.malloc(1000));
  }
}

function handleAll(heap: Heap, from: number): void {
  const parser = new Parser(heap);
  for (let number = from; number < from + 1000; number++) heap.free(parser.parseRequest(number));
}

function report(profiling: HeapProfiling, mark: ProfileMark, name: string): void {
  writeFileSync(name, JSON.stringify(profiling.read(mark)));
}

if (isMainThread) {
  const heap = await createHeap({ shared: true });
  const profiling = await heap.startProfile({ bytes: 1 });
  heap.free(heap.malloc(100));
  const worker = new Worker(new URL(import.meta.url), { workerData: heap.handle });
  worker.on("exit", () => report(profiling, { time: 0 }, "main.json"));
} else {
  const heap = attachHeap(workerData);
  handleAll(heap, 0);
  const profiling = await heap.startProfile({ bytes: 1 });
  handleAll(heap, 1000);
  report(profiling, { time: 0 }, "worker.json");
  const mark = profiling.mark();
  handleAll(heap, 2000);
  report(profiling, mark, "growth.json");
  parentPort?.postMessage("done");
}
`;

/** As that, in development: its worker makes the mistake that it is asked for, under the guard. */
const MISUSED = `
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { attachHeap, createHeap, type Heap } from "${LIBRARY}";

class Session {
  readonly text: number;
  constructor(readonly heap: Heap) {
    this.text = heap.malloc(40);
  }
  end(): void {
    this.heap.free(this.text);
  }
}

if (isMainThread) {
  const heap = await createHeap({ shared: true, profile: "guard" });
  new Worker(new URL(import.meta.url), { workerData: { handle: heap.handle, mistake: process.argv[2] } });
} else {
  const { handle, mistake } = workerData as { handle: Parameters<typeof attachHeap>[0]; mistake: string };
  const heap = attachHeap(handle);
  await heap.startProfile({ bytes: 1 });
  const session = new Session(heap);
  session.end();
  if (mistake === "twice") session.end();
  else heap.u8[session.text + 7] = 1;
  for (let number = 0; number < 100_000; number++) new Session(heap).end();
}
`;

async function application(text = APPLICATION): Promise<string> {
  const directory = await temporary();
  mkdirSync(path.join(directory, "src"));
  writeFileSync(path.join(directory, "src", "server.ts"), text);
  await build({
    entryPoints: [path.join(directory, "src", "server.ts")],
    outfile: path.join(directory, "out", "server.mjs"),
    bundle: true,
    external: [LIBRARY],
    format: "esm",
    platform: "node",
    minify: true,
    sourcemap: true,
  });
  if (text !== APPLICATION) return directory;
  const result = await run(process.execPath, ["out/server.mjs"], { directory });
  expect(result).toMatchObject({ status: 0, errors: "" });
  return directory;
}

const profile = (args: string[], directory: string): ReturnType<typeof run> =>
  run(process.execPath, [CLI, "profile", ...args], { directory });

describe("a worker application", () => {
  it("has its leak and its growth named by the functions and lines of its source", async () => {
    const directory = await application();
    const leak = await profile(["worker.json"], directory);
    expect(leak.status).toBe(0);
    expect(leak.output).toMatch(/97\.7 KiB in 100 blocks of 1000 bytes/);
    const line = APPLICATION.split("\n").findIndex((text) => text.includes("sessions.set")) + 1;
    expect(leak.output).toMatch(new RegExp(`server\\.ts:${line}\\n`));
    expect(leak.output).toMatch(/in 1 place in use/);
    const growth = await profile(["growth.json"], directory);
    expect(growth.output).toMatch(/100 blocks of 1000 bytes/);
    expect((await profile(["main.json"], directory)).output).toMatch(/no block of the sample was in use/);
    const pprof = await profile(["worker.json", "-o", "worker.pb.gz"], directory);
    expect(pprof).toMatchObject({ status: 0, output: "" });
    const decoded = Profile.decode(gunzipSync(readFileSync(path.join(directory, "worker.pb.gz"))));
    expect(decoded.stringTable.strings.some((text) => text.endsWith("server.ts"))).toBe(true);
    for (const [name, text] of [
      ["worker.heapprofile", "server.ts"],
      ["worker.folded", "rememberSession"],
    ] as const) {
      expect((await profile(["worker.json", "-o", name], directory)).status).toBe(0);
      expect(readFileSync(path.join(directory, name), "utf8")).toContain(text);
    }
  });
});

describe("a worker application under the guard", () => {
  it.each([
    ["twice", /double free: /],
    ["after", /use after free|write after free/],
  ])("has its mistake named by who allocated the block, and who freed it: %s", async (mistake, said) => {
    const directory = await application(MISUSED);
    const args = ["--enable-source-maps", "out/server.mjs", mistake];
    const { status, errors } = await run(process.execPath, args, { directory });
    expect(status).toBe(1);
    expect(errors).toMatch(said);
    const lineOf = (code: string): number => MISUSED.split("\n").findIndex((text) => text.includes(code)) + 1;
    const [, allocated = "", freed = ""] =
      /The block was allocated by\n([^]*?)\nand freed by\n([^]*)/.exec(errors) ?? [];
    expect(allocated).toContain(`server.ts:${lineOf("heap.malloc(40)")}:`);
    expect(freed).toContain(`server.ts:${lineOf("heap.free(this.text)")}:`);
  });
});

describe("hakmem profile", () => {
  it("says what is wrong with what it is given", async () => {
    const directory = await temporary();
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(directory, name), text);
      return name;
    };
    const whole = { version: 1, rate: 1, duration: 1, samples: 0, sites: [], live: [] };
    const cases: [args: string[], status: number, message: RegExp][] = [
      [["none.json"], 2, /there is no file none\.json/],
      [
        [file("cut.json", '{"version": 1, "rate"')],
        1,
        /cut\.json is neither a recording, nor a sample .* nor a profile in JSON/,
      ],
      [[file("other.json", '{"version": 2}')], 1, /other\.json is not a profile of a heap: version/],
      [
        [file("place.json", JSON.stringify({ ...whole, live: [{ site: 0, size: 1, weight: 1, age: 1 }] }))],
        1,
        /a block is of a place that is not there/,
      ],
      [[file("whole.json", JSON.stringify(whole)), "-o", "it.xyz"], 2, /the name's ending says what to write/],
      [["whole.json", "--source-maps", "nowhere"], 2, /there is no directory nowhere/],
      [[file("raw", "HKPROF1\\0 and then too little")], 1, /raw is not a sample of a heap/],
    ];
    for (const [args, status, message] of cases) {
      const result = await profile(args, directory);
      expect(result.errors).toMatch(message);
      expect(result.status).toBe(status);
    }
    const script = file("it.js", "code\n//# sourceMappingURL=it.js.map\n");
    file("it.js.map", "no map");
    const frame = { name: "f", file: path.join(directory, script), line: 1, column: 1 };
    const site = { stack: [frame], bytes: 1, objects: 1, liveBytes: 1, liveObjects: 1 };
    file("mapped.json", JSON.stringify({ ...whole, sites: [site] }));
    expect((await profile(["mapped.json"], directory)).errors).toMatch(/it\.js\.map is not a source map/);
  });
});
