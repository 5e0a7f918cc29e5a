/** JavaScript over a program that is linked with hakmem.c: both use one heap. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { attachHeap, HeapNotSharedError, HeapSharedError, InvalidArgumentError, ModuleError, type Heap } from "hakmem";
import { Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });
const BARE = ["--target=wasm32", "-nostdlib", "-O2", "-Wl,--no-entry", "-o", "bare.wasm"];

interface Program {
  readonly memory: WebAssembly.Memory;
  readonly test: (steps: number, seed: number) => number;
  readonly take: (size: number) => number;
  readonly give: (block: number) => void;
}

async function instance(...options: string[]): Promise<Program> {
  expect(await workshop.compile("clang-14", "bare.c", [...BARE, ...options])).toEqual(ok(""));
  const { instance } = await WebAssembly.instantiate(await readFile(path.join(workshop.directory, "bare.wasm")));
  return instance.exports as unknown as Program;
}

function attached(program: Program): Heap {
  return attachHeap({ exports: program as unknown as Record<string, unknown>, memory: program.memory });
}

describe("a heap of a program", { timeout: 120_000 }, () => {
  let program: Program;
  beforeAll(async () => {
    program = await instance("-DHAKMEM_FOR_JAVASCRIPT", "-DHAKMEM_PROFILE_COMPACT");
  });

  test("shares its blocks with JavaScript, both ways", () => {
    const heap = attached(program);
    expect(heap.profile).toBe("compact");
    const before = heap.stats().live;
    const block = program.take(1000);
    expect(heap.owns(block)).toBe(true);
    heap.u8.fill(7, block, block + 1000);
    heap.free(block);
    const array = heap.alloc(Float64Array, 100);
    program.give(heap.pointerOf(array));
    heap.disown(array);
    const text = heap.allocString("shared");
    expect(heap.readString(heap.pointerOf(text), text.length)).toBe("shared");
    program.give(heap.pointerOf(text));
    heap.disown(text);
    expect(heap.stats().live).toBe(before);
    expect(program.test(20_000, 5)).toBe(0);
    expect(heap.stats()).toMatchObject({ live: before, threads: 1 });
    expect(heap.stats().classes.length).toBeGreaterThan(10);
  });

  test("goes on when JavaScript has closed it", () => {
    const heap = attached(program);
    const block = heap.malloc(100);
    heap.close();
    program.give(block);
    expect(program.test(1000, 6)).toBe(0);
  });

  test("follows the memory when the program makes it grow", () => {
    const heap = attached(program);
    const { byteLength } = heap.u8;
    const block = program.take(10_000_000);
    expect(heap.u8.byteLength).toBeGreaterThan(byteLength);
    heap.u8.fill(1, block, block + 10_000_000);
    program.give(block);
  });

  test("is the program's: it has no handle, and is not freed at once", () => {
    const heap = attached(program);
    expect(() => heap.handle).toThrow(HeapNotSharedError);
    expect(() => {
      heap.freeAll();
    }).toThrow(HeapSharedError);
  });

  test("is refused where there is none, and where the memory is none", async () => {
    const other = await instance();
    expect(() => attached(other)).toThrow(ModuleError);
    expect(() => attached(other)).toThrow("-DHAKMEM_FOR_JAVASCRIPT");
    expect(() => attachHeap({ exports: {}, memory: {} as WebAssembly.Memory })).toThrow(InvalidArgumentError);
  });
});

test("is attached to in what Emscripten makes", { timeout: 120_000 }, async () => {
  const names = "_take,_give,_malloc,_free,_hakmem_malloc";
  const options = ["-O2", "-sMODULARIZE", "-sEXPORT_NAME=make", `-sEXPORTED_FUNCTIONS=${names}`, "--no-entry"];
  const all = [...options, "-DHAKMEM_FOR_JAVASCRIPT", "-sALLOW_MEMORY_GROWTH", "-sIMPORTED_MEMORY", "-o", "program.js"];
  expect(await workshop.compile("emcc", "bare.c", all)).toEqual(ok(""));
  const library = new URL("../../packages/hakmem/dist/index.js", import.meta.url).href;
  await writeFile(
    path.join(workshop.directory, "use.mjs"),
    `import { createRequire } from "node:module";
     import { attachHeap } from ${JSON.stringify(library)};
     const make = createRequire(import.meta.url)("./program.js");
     const memory = new WebAssembly.Memory({ initial: 256, maximum: 32768 });
     const exports = await make({ wasmMemory: memory });
     const heap = attachHeap({ exports, memory });
     const block = exports._take(100);
     heap.free(block);
     const array = heap.alloc(Uint8Array, 50_000_000).fill(3);
     exports._give(heap.pointerOf(array));
     console.log(heap.profile, heap.stats().live, exports.HEAPU8.length === memory.buffer.byteLength);`,
  );
  const ended = await workshop.run(process.execPath, ["--no-experimental-fetch", "use.mjs"]);
  expect(ended).toEqual(ok("default 0 true"));
});
