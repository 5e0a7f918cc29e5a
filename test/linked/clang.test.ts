/** hakmem.c in programs for WASI, and in those without any C library. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { FULL } from "../native/support/program.js";
import { PROGRAMS, SOME_PROFILES, Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });
/** The linkers that are to be had go with their compilers. */
const CLANGS = ["clang-14", "clang-19"];
const ONE_CLANG = FULL ? CLANGS : CLANGS.slice(0, 1);
const BARE = ["--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry"];
const STACK = 64 * 1024;

const RUNNER = `
import { WASI } from "node:wasi";
import { readFileSync } from "node:fs";
const wasi = new WASI({ version: "preview1", returnOnExit: true });
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), wasi.getImportObject());
process.exitCode = wasi.start(instance);
`;

describe("a program for WASI", { timeout: 120_000 }, () => {
  test.each(SOME_PROFILES)("finds its blocks intact, with profile %s", async (name, macros) => {
    const options = ["--target=wasm32-wasi", "-O2", ...macros, "-o", "wasi.wasm"];
    expect(await workshop.compile("clang-14", "blocks.c", options)).toEqual(ok(""));
    await writeFile(path.join(workshop.directory, "run.mjs"), RUNNER);
    const ended = await workshop.run(process.execPath, ["--no-warnings", "run.mjs", "wasi.wasm"]);
    expect(ended).toEqual(ok(`profile ${name}\nlive 0`));
  });
});

interface Bare {
  readonly memory: WebAssembly.Memory;
  readonly test: (steps: number, seed: number) => number;
  readonly stat: (what: number) => number;
  readonly take: (size: number) => number;
  readonly give: (block: number) => void;
  readonly reclaim: (thread: number) => number;
}

async function module(): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await readFile(path.join(workshop.directory, "bare.wasm")));
}

describe.each(CLANGS)("a program without a C library, by %s", { timeout: 120_000 }, (clang) => {
  test("finds its blocks intact", async () => {
    expect(await workshop.compile(clang, "bare.c", [...BARE, "-o", "bare.wasm"])).toEqual(ok(""));
    const program = new WebAssembly.Instance(await module()).exports as unknown as Bare;
    expect(program.test(300_000, 1)).toBe(0);
    expect(program.stat(1)).toBe(0);
  });

  test("finds them intact in threads, and takes over what those leave that are killed", async () => {
    const features = ["-matomics", "-mbulk-memory", "-mmutable-globals"];
    const linking = ["--shared-memory", "--import-memory", "--max-memory=1073741824", "--export=__stack_pointer"];
    const options = [...BARE, ...features, ...linking.map((option) => `-Wl,${option}`), "-o", "bare.wasm"];
    expect(await workshop.compile(clang, "bare.c", options)).toEqual(ok(""));
    const shared = await module();
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 16384, shared: true });
    const program = new WebAssembly.Instance(shared, { env: { memory } }).exports as unknown as Bare;
    const file = pathToFileURL(path.join(PROGRAMS, "thread.mjs"));

    /** Runs a thread to its end, or kills it when it has begun. */
    const thread = async (seed: number, isKilled: boolean): Promise<number> => {
      const stack = program.take(STACK);
      const steps = isKilled ? 2 ** 31 : 100_000;
      const worker = new Worker(file, { workerData: { module: shared, memory, stackEnd: stack + STACK, seed, steps } });
      let result = -1;
      await new Promise<void>((resolve, reject) => {
        let id = 0;
        worker.on("error", reject);
        worker.on("message", (message: { id?: number; result?: number }) => {
          if (message.id !== undefined) ({ id } = message as { id: number });
          if (message.result !== undefined) ({ result } = message as { result: number });
          if (isKilled && message.id !== undefined) setTimeout(() => void worker.terminate(), 10);
        });
        worker.on("exit", () => {
          if (isKilled) expect(program.reclaim(id)).toBe(1);
          resolve();
        });
      });
      program.give(stack);
      return result;
    };

    for (let round = 0; round < 6; round++) {
      const isKilled = round % 3 === 2;
      const seeds = [1, 2, 3].map((n) => round * 3 + n);
      const results = await Promise.all(seeds.map((seed) => thread(seed, isKilled)));
      expect(results).toEqual(isKilled ? [-1, -1, -1] : [0, 0, 0]);
    }
    // What the killed ones had in use is in use for ever; it is the only thing that is.
    expect(program.stat(1)).toBeLessThan(2 * 3 * 300 * 5000);
    expect(program.test(100_000, 99)).toBe(0);
  });
});

describe.each(ONE_CLANG)("the memory of a program without a C library, by %s", { timeout: 120_000 }, (clang) => {
  test("finds its blocks intact, with bulk memory", async () => {
    expect(await workshop.compile(clang, "bare.c", [...BARE, "-mbulk-memory", "-o", "bare.wasm"])).toEqual(ok(""));
    const program = new WebAssembly.Instance(await module()).exports as unknown as Bare;
    expect(program.test(300_000, 1)).toBe(0);
  });

  test("takes no memory that it then refuses to use, at the end of what the profile can address", async () => {
    const options = [...BARE, "-DHAKMEM_PROFILE_COMPACT", "-o", "bare.wasm"];
    expect(await workshop.compile(clang, "bare.c", options)).toEqual(ok(""));
    const program = new WebAssembly.Instance(await module()).exports as unknown as Bare;
    while (program.take(4_000_000) !== 0);
    const { byteLength } = program.memory.buffer;
    expect(byteLength).toBeGreaterThan(900 * 2 ** 20);
    expect(byteLength).toBeLessThanOrEqual(2 ** 30);
    for (let n = 0; n < 20; n++) expect(program.take(4_000_000)).toBe(0);
    expect(program.memory.buffer.byteLength).toBe(byteLength);
  });

  test("has memory where all of it is there from the start", async () => {
    const options = [...BARE, "-Wl,--initial-memory=4294967296,--max-memory=4294967296", "-o", "bare.wasm"];
    expect(await workshop.compile(clang, "bare.c", options)).toEqual(ok(""));
    const program = new WebAssembly.Instance(await module()).exports as unknown as Bare;
    expect(program.test(10_000, 3)).toBe(0);
  });
});

test(
  "leaves what others have grown the memory by to them, where the linker says what that is",
  { timeout: 60_000 },
  async () => {
    expect(await workshop.compile("clang-19", "bare.c", [...BARE, "-o", "bare.wasm"])).toEqual(ok(""));
    const program = new WebAssembly.Instance(await module()).exports as unknown as Bare;
    const first = program.memory.grow(16) * 65_536;
    const end = program.memory.buffer.byteLength;
    for (let n = 0; n < 200; n++) {
      const block = program.take(10_000) >>> 0;
      expect(block >= end || block + 10_000 <= first).toBe(true);
    }
  },
);

test("refuses to be compiled as C++, without a compiler's extensions, and for other systems", async () => {
  const said = async (...args: string[]): Promise<string> => (await workshop.run("clang-14", [...args, "-c"])).output;
  expect(await said("-x", "c++", "hakmem.c")).toContain("hakmem.c is C: compile it as C");
  expect(await said("-std=c99", "hakmem.c")).toContain("hakmem.c needs GCC or Clang, and C11 or later");
  expect(await said("--target=aarch64-apple-darwin", "-ffreestanding", "hakmem.c")).toContain(
    "is for Linux and WebAssembly",
  );
  expect(await said("-DHAKMEM_GUARD", "-DHAKMEM_PROFILE_COMPACT", "hakmem.c")).toContain("at most one of");
  const older = ["-Wno-builtin-macro-redefined", "-D__clang_major__=13"];
  expect(await said("--target=wasm32", ...older, "hakmem.c")).toContain("hakmem.c needs Clang 14 or later");
});

test("linkers refuse two allocators at once, and shared memory where it was compiled without atomics", async () => {
  await writeFile(
    path.join(workshop.directory, "other.c"),
    "void *malloc(__SIZE_TYPE__ size) { return size ? 0 : &malloc; }\nint main(void) { return 0; }\n",
  );
  const said = async (...args: string[]): Promise<string> => (await workshop.run(args[0] ?? "", args.slice(1))).output;
  expect(await said("gcc", "-fno-builtin", "hakmem.c", "other.c", "-pthread")).toMatch(
    /multiple definition of .malloc'/,
  );
  const bare = ["clang-14", ...BARE, "-fno-builtin", "hakmem.c"];
  expect(await said(...bare, "other.c")).toContain("duplicate symbol: malloc");
  expect(await said(...bare, "-Wl,--shared-memory,--import-memory,--max-memory=1048576")).toMatch(
    /--shared-memory is disallowed by .* because it was not compiled with 'atomics' or 'bulk-memory'/,
  );
});
