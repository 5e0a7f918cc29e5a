/** What a program that is linked with hakmem.c asks for, seen by JavaScript. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { attachHeap, type HeapRecording, type ProfileData, type ProgramHost } from "hakmem";
import { describe, expect, test } from "vitest";
import { Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });
const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const LIBRARY = new URL("../../packages/hakmem/dist/index.js", import.meta.url).href;
const OBSERVED = ["-DHAKMEM_FOR_JAVASCRIPT", "-DHAKMEM_OBSERVE"];

interface Figures {
  readonly kinds: readonly number[];
  readonly events: number;
  readonly samples: number;
}

describe("a program of Emscripten", { timeout: 240_000 }, () => {
  test("has its leak and its growth named by functions, and by lines where it has a source map", async () => {
    const options = ["-O1", "-gsource-map", "--source-map-base", "./", "-sMODULARIZE", "-sALLOW_MEMORY_GROWTH"];
    expect(await workshop.run("emcc", [...OBSERVED, "-O2", "-c", "hakmem.c"])).toEqual(ok(""));
    const all = [...options, "--profiling-funcs", "-o", "planted.js"];
    expect(await workshop.compile("em++", "planted.cpp", all, "hakmem.o")).toEqual(ok(""));
    await writeFile(
      path.join(workshop.directory, "use.mjs"),
      `import { createRequire } from "node:module";
       import { writeFileSync } from "node:fs";
       import { attachHeap } from ${JSON.stringify(LIBRARY)};
       const program = await createRequire(import.meta.url)("./planted.js")();
       const exports = program.asm;
       const heap = attachHeap({ exports, memory: exports.memory, host: program });
       const profiling = await heap.startProfile({ bytes: 1 });
       exports.handle(0, 1000);
       writeFileSync("leak.json", JSON.stringify(profiling.read()));
       const mark = profiling.mark();
       exports.handle(1000, 500);
       writeFileSync("growth.json", JSON.stringify(profiling.read(mark)));
       const block = exports.all_kinds();
       const kinds = profiling.read(mark).live.map(({ size }) => size).filter((size) => size === 500 || size === 3000);
       heap.free(block);
       profiling.stop();
       exports.handle(0, 100);
       const recording = await heap.record();
       exports.handle(0, 1000);
       exports.all_kinds();
       const { events } = recording;
       writeFileSync("it.raw", recording.stop());
       exports.handle(0, 100);
       const sampling = await heap.startProfile({ bytes: 1000 });
       exports.handle(0, 10000);
       console.log(JSON.stringify({ kinds, events, samples: sampling.stop().samples }));`,
    );
    const used = await workshop.run(process.execPath, ["--no-experimental-fetch", "use.mjs"]);
    expect(used.exitCode, used.output).toBe(0);
    const figures = JSON.parse(used.output) as Figures;
    expect(figures.kinds).toEqual([500]);
    // A block for each text, one for each tenth that is kept, and what grows for them; each but the kept ones freed.
    expect(figures.events).toBeGreaterThan(2100);
    expect(figures.events).toBeLessThan(2200);
    // 10,000 texts of some 135 bytes, and what is kept.
    expect(figures.samples).toBeGreaterThan(1200);
    expect(figures.samples).toBeLessThan(2200);

    const report = async (name: string): Promise<string> => {
      const args = [CLI, "profile", name, "--source-maps", "."];
      return (await execa(process.execPath, args, { cwd: workshop.directory })).stdout;
    };
    const leak = await report("leak.json");
    expect(leak).toMatch(
      /in 100 blocks of 101 bytes to 141 bytes[^\n]*\n[^\n]*malloc[^\n]*\n {4}copy_text\(char const\*\) {2}.*planted\.cpp:12\n {4}remember\(/,
    );
    expect(await report("growth.json")).toMatch(/in 50 blocks of 101 bytes to 141 bytes/);
    const info = await execa(process.execPath, [CLI, "replay", "it.raw", "--info", "--json"], {
      cwd: workshop.directory,
    });
    const head = JSON.parse(info.stdout) as { events: number; threads: number };
    expect(head.threads).toBe(1);
    // What is in use at the end is freed there.
    expect(head.events).toBeGreaterThan(figures.events);
  });
});

describe("a program of Emscripten with a guard", { timeout: 240_000 }, () => {
  test.each([
    ["double free", true, /double free of/],
    ["use after free", false, /write after free to/],
  ])("has its %s named by who allocated the block, and who freed it", async (_, twice, said) => {
    expect(await workshop.run("emcc", [...OBSERVED, "-DHAKMEM_GUARD", "-O2", "-c", "hakmem.c"])).toEqual(ok(""));
    const options = ["-O1", "--profiling-funcs", "-sMODULARIZE", "-sALLOW_MEMORY_GROWTH", "-o", "misused.js"];
    expect(await workshop.compile("em++", "planted.cpp", options, "hakmem.o")).toEqual(ok(""));
    await writeFile(
      path.join(workshop.directory, "misuse.mjs"),
      `import { createRequire } from "node:module";
       import { attachHeap } from ${JSON.stringify(LIBRARY)};
       const program = await createRequire(import.meta.url)("./misused.js")();
       const heap = attachHeap({ exports: program.asm, memory: program.asm.memory, host: program });
       await heap.startProfile({ bytes: 1 });
       program.asm.misuse(${Number(twice)});`,
    );
    const used = await workshop.run(process.execPath, ["--no-experimental-fetch", "misuse.mjs"]);
    expect(used.exitCode).not.toBe(0);
    expect(used.output).toMatch(said);
    expect(used.output).toMatch(
      /allocated by\n[^\n]*malloc[^\n]*\n +at (?:\w+\.)?copy_text\(char const\*\)[^]*and freed by\n(?:[^\n]*free[^\n]*\n)? +at (?:\w+\.)?release_text\(char\*/,
    );
  });
});

describe("a program of another toolchain", { timeout: 120_000 }, () => {
  test("tells its host by an import", async () => {
    const bare = ["--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry", "-o", "bare.wasm"];
    expect(await workshop.compile("clang-14", "bare.c", [...bare, ...OBSERVED])).toEqual(ok(""));
    const host: ProgramHost = {};
    const seen = (...call: [number, number, number, number, number]): number => host.hakmemObserver?.(...call) ?? -1;
    const { instance } = await WebAssembly.instantiate(await readFile(path.join(workshop.directory, "bare.wasm")), {
      env: { hakmem_seen: seen },
    });
    const { exports } = instance;
    const { take, give, memory } = exports as unknown as Exports;
    take(500);
    const heap = attachHeap({ exports, memory, host });
    const profiling = await heap.startProfile({ bytes: 1 });
    const [first, second] = [take(100), take(200)];
    const own = heap.malloc(50);
    give(first);
    expect(sizes(profiling.read())).toEqual([50, 200]);
    heap.free(second);
    give(own);
    expect(sizes(profiling.stop())).toEqual([]);
    take(1000);
    expect(profiling.stop().samples).toBe(3);
  });
});

describe("threads of a program", { timeout: 120_000 }, () => {
  test("are recorded each by itself: one that stops takes nothing from another", async () => {
    const features = ["-matomics", "-mbulk-memory", "-mmutable-globals"];
    const linking = ["--shared-memory", "--import-memory", "--max-memory=1073741824", "--export=__stack_pointer"];
    const flags = ["--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry", ...features];
    const options = [...flags, ...linking.map((option) => `-Wl,${option}`), "-o", "threads.wasm", ...OBSERVED];
    expect(await workshop.compile("clang-14", "bare.c", options)).toEqual(ok(""));
    const module = new WebAssembly.Module(await readFile(path.join(workshop.directory, "threads.wasm")));
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 16384, shared: true });
    const thread = (): [Exports, HeapRecordingStart] => {
      const host: ProgramHost = {};
      const seen = (...call: [number, number, number, number, number]): number => host.hakmemObserver?.(...call) ?? -1;
      const { exports } = new WebAssembly.Instance(module, { env: { memory, hakmem_seen: seen } });
      return [exports as unknown as Exports, () => attachHeap({ exports, memory, host }).record()];
    };
    const [first, recordFirst] = thread();
    const stack = first.take(65_536) + 65_536;
    const [second, recordSecond] = thread();
    second.__stack_pointer.value = stack;
    const before = first.take(500);
    const recording = await recordFirst();
    const other = await recordSecond();
    const blocks = [first.take(1000), second.take(2000)] as const;
    expect([recording.events, other.events]).toEqual([1, 1]);
    other.stop();
    second.give(second.take(3000));
    first.give(blocks[0]);
    first.give(before);
    first.give(first.take(77));
    expect([recording.events, other.events]).toEqual([5, 1]);
    recording.stop();
    first.give(blocks[1]);
    expect(recording.events).toBe(5);
  });
});

type HeapRecordingStart = () => Promise<HeapRecording>;

interface Exports {
  readonly __stack_pointer: WebAssembly.Global;
  readonly memory: WebAssembly.Memory;
  readonly take: (size: number) => number;
  readonly give: (block: number) => void;
}

const sizes = ({ live }: ProfileData): number[] => live.map(({ size }) => size).sort((a, b) => a - b);
