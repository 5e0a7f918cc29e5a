/** Samples and recordings of JavaScript heaps. */

import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { Worker } from "node:worker_threads";
import {
  attachHeap,
  createHeap,
  HeapClosedError,
  InvalidArgumentError,
  type Heap,
  type HeapCorruptionError,
  type ProfileData,
} from "hakmem";
import { describe, expect, it } from "vitest";
import { convertRecording } from "../../packages/tools/src/observe/recording/convert.js";
import { KIND } from "../../packages/tools/src/observe/recording/events.js";
import { decodeRecording } from "../../packages/tools/src/observe/recording/format.js";
import { readFile } from "node:fs/promises";
import { buildWasm } from "../../packages/tools/src/build/wasm.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { temporary } from "../support/temporary.js";

function leakingFunction(heap: Heap, size: number): number {
  return heap.malloc(size);
}

function tidyFunction(heap: Heap, size: number): void {
  heap.free(heap.malloc(size));
}

/** Live bytes of the sites whose stacks have a call of such a name. */
function liveBy({ sites }: ProfileData, name: string): number {
  const of = sites.filter(({ stack }) => stack.some((frame) => frame.name.endsWith(name)));
  return of.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
}

const KINDS = [{}, { shared: true }, { profile: "guard" as const }, { profile: "hardened" as const }];

describe.each(KINDS)("a profile of a heap %j", (options) => {
  it("with every block in it says who holds what, exactly, and how old it is", async () => {
    const heap = await createHeap(options);
    const before = heap.malloc(10);
    const profiling = await heap.startProfile({ bytes: 1 });
    for (let n = 0; n < 100; n++) {
      leakingFunction(heap, 100);
      tidyFunction(heap, 5000);
    }
    heap.free(before);
    const data = profiling.read();
    expect(liveBy(data, "leakingFunction")).toBe(100 * 101);
    expect(liveBy(data, "tidyFunction")).toBe(0);
    expect(data.live).toHaveLength(100);
    expect(data.samples).toBe(200);
    for (const { size, age } of data.live) {
      expect(size).toBe(100);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThanOrEqual(data.duration);
    }
    const [innermost] = data.sites.find(({ liveBytes }) => liveBytes > 0)?.stack ?? [];
    expect(innermost?.name).toBe("leakingFunction");
    profiling.stop();
    heap.close();
  });

  it("follows every way to allocate, to resize and to free", async () => {
    const heap = await createHeap(options);
    const profiling = await heap.startProfile({ bytes: 1 });
    const kept = [heap.calloc(3, 100), heap.alignedAlloc(64, 50), heap.realloc(0, 70), heap.malloc(10)];
    kept[3] = heap.realloc(kept[3] ?? 0, 4000);
    const array = heap.alloc(Uint32Array, 25);
    const longer = heap.resize(array, 1000);
    const text = heap.allocString("seven");
    heap.free(text);
    const sizes = profiling.read().live.map(({ size }) => size);
    expect(sizes.sort((a, b) => a - b)).toEqual([50, 70, 300, 4000, 4000]);
    heap.free(longer);
    for (const block of kept) heap.free(block);
    expect(profiling.stop().live).toEqual([]);
    heap.close();
  });
});

describe("a profile of a heap", () => {
  it("is a sample: its sums are near what was asked for, in every size", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 4096 });
    const asked = new Map<string, number>();
    const callers = [8, 100, 1500, 30_000].map((size) =>
      Object.assign((): void => void heap.malloc(size), { size, called: `caller${size}` }),
    );
    for (const caller of callers) {
      const named = { [caller.called]: (): number => heap.malloc(caller.size) }[caller.called];
      const times = Math.ceil(8_000_000 / caller.size);
      for (let n = 0; n < times; n++) named?.();
      asked.set(caller.called, times * caller.size);
    }
    const data = profiling.stop();
    for (const [name, bytes] of asked) {
      // A standard deviation is some 2 %.
      expect(Math.abs(liveBy(data, name) / bytes - 1)).toBeLessThan(name === "caller8" ? 0.3 : 0.15);
    }
    expect(data.samples).toBeLessThan(12_000);
    heap.close();
  });

  it("between two marks has what was asked for since, and is alive", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 1 });
    leakingFunction(heap, 10);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const mark = profiling.mark();
    leakingFunction(heap, 20);
    expect(profiling.read(mark).live.map(({ size }) => size)).toEqual([20]);
    expect(profiling.stop().live).toHaveLength(2);
    heap.close();
  });

  it("sees what WebAssembly modules ask for by heap.exports, and has their names", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 1 });
    const { malloc, free } = heap.exports as unknown as Record<string, (word: number) => number>;
    const block = malloc?.(123) ?? 0;
    expect(profiling.read().live.map(({ size }) => size)).toEqual([123]);
    free?.(block);
    expect(profiling.stop().live).toEqual([]);
    // Who keeps the functions goes on by them, unseen.
    malloc?.(100);
    expect(profiling.read()).toMatchObject({ live: [], samples: 1 });
    heap.close();
  });

  it("ends with freeAll for all blocks, and with stop for good", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 1 });
    leakingFunction(heap, 10);
    heap.freeAll();
    expect(profiling.read().live).toEqual([]);
    profiling.stop();
    leakingFunction(heap, 10);
    expect(profiling.stop().live).toEqual([]);
    const again = await heap.startProfile({ bytes: 1 });
    leakingFunction(heap, 10);
    expect(again.stop().live).toHaveLength(1);
    heap.close();
  });

  it("refuses wrong options, a second observer, and a closed heap", async () => {
    const heap = await createHeap();
    for (const bytes of [0, -1, 1.5, 2 ** 31, "1" as unknown as number])
      await expect(heap.startProfile({ bytes })).rejects.toThrow(InvalidArgumentError);
    const profiling = await heap.startProfile();
    await expect(heap.record()).rejects.toThrow(/sampled or recorded already/);
    profiling.stop();
    const recording = await heap.record();
    await expect(heap.startProfile()).rejects.toThrow(InvalidArgumentError);
    recording.stop();
    heap.close();
    await expect(heap.startProfile()).rejects.toThrow(HeapClosedError);
    expect(recording.stop()).toBeInstanceOf(Uint8Array);
  });

  it("names who allocated and who freed the block that a guard finds misused", async () => {
    const heap = await createHeap({ profile: "guard" });
    await heap.startProfile({ bytes: 1 });
    const block = leakingFunction(heap, 40);
    const releasingFunction = (): void => heap.free(block);
    releasingFunction();
    expect(releasingFunction).toThrow(
      /double free[\s\S]*allocated by\n +at [\w.]*leakingFunction[\s\S]*freed by\n +at [\w.]*releasingFunction/,
    );
  });
});

describe("the stack of a sample", () => {
  it("begins with who called the library, whatever name he has", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 1 });
    const own = {
      freed: (): number => heap.malloc(10),
      observedAlloc: (): number => heap.malloc(20),
      seen_it: (): number => heap.malloc(30),
      array: (): number => heap.alloc(Uint8Array, 40).length,
    };
    for (const call of Object.values(own)) call();
    const { sites } = profiling.stop();
    const names = sites.map(({ stack }) => stack[0]?.name.replace(/.*\./, ""));
    expect(names).toEqual(["freed", "observedAlloc", "seen_it", "array"]);
    heap.close();
  });
});

describe("a block of a profile", () => {
  it("that becomes shorter where it lies is as it was; one that becomes longer is another", async () => {
    const heap = await createHeap();
    const profiling = await heap.startProfile({ bytes: 1 });
    const block = heap.malloc(4000);
    expect(heap.realloc(block, 3000)).toBe(block);
    expect(profiling.read().live.map(({ size }) => size)).toEqual([4000]);
    expect(heap.realloc(block, 4010)).toBe(block);
    expect(profiling.stop().live.map(({ size }) => size)).toEqual([4010]);
    heap.close();
  });
});

describe("an error of the guard profile", () => {
  it("reports the block's slab, its neighbours and the last operations there", async () => {
    const heap = await createHeap({ profile: "guard" });
    const [before, block, behind] = [18, 20, 30].map((size) => heap.malloc(size)) as [number, number, number];
    heap.free(before);
    for (let n = 0; n < 100; n++) heap.free(heap.malloc(20));
    heap.free(block);
    let error: unknown;
    try {
      heap.free(block);
    } catch (thrown) {
      error = thrown;
    }
    const { report } = error as HeapCorruptionError;
    const hex = (address: number): string => `0x${address.toString(16).padStart(8, "0")}`;
    expect(report).toMatch(/^it lies in a slab of blocks of \d+ bytes, checks included, which is thread 1's$/m);
    expect(report).toContain(`the block before it: ${hex(before)}, 18 bytes, freed, in quarantine`);
    expect(report).toContain(`the block itself: ${hex(block)}, 20 bytes, freed, in quarantine`);
    expect(report).toContain(`the block behind it: ${hex(behind)}, 30 bytes, in use`);
    const operations = report.split("latest first:\n")[1]?.split("\n") ?? [];
    expect(operations).toHaveLength(64);
    expect(operations[0]).toBe(`freed: ${hex(block)}, 20 bytes, by thread 1`);
  });
});

describe("a recording of a heap", () => {
  it("has every call, with its size, and no contents; replay reads it", async () => {
    const heap = await createHeap();
    const chunks: Uint8Array[] = [];
    const recording = await heap.record({ onChunk: (chunk) => chunks.push(chunk) });
    const expected: [kind: number, size: number][] = [];
    for (let n = 0; n < 30_000; n++) {
      const size = 1 + ((n * 7919) % 3000);
      let block = heap.malloc(size);
      expected.push([KIND.malloc, size]);
      if (n % 5 === 0) {
        block = heap.realloc(block, size + 5000);
        expected.push([KIND.realloc, size + 5000]);
      }
      if (n % 7 === 0) {
        heap.free(heap.alignedAlloc(128, size));
        expected.push([KIND.aligned, size], [KIND.free, 0]);
      }
      if (n % 3 !== 0) {
        heap.free(block);
        expected.push([KIND.free, 0]);
      }
    }
    expect(recording.events).toBe(expected.length);
    expect(recording.stop()).toHaveLength(0);
    expect(chunks.length).toBeGreaterThan(2);
    const events = await eventsOf(Buffer.concat(chunks));
    expect(events.slice(0, expected.length)).toEqual(expected);
    expect(events.slice(expected.length).every(([kind]) => kind === KIND.free)).toBe(true);
    // Addresses and times take most of it, and go when it is converted.
    expect(Buffer.concat(chunks).length / expected.length).toBeLessThan(8);
    heap.close();
  });

  it("of several workers, one behind the other, is one", async () => {
    const heap = await createHeap({ shared: true });
    const recording = await heap.record();
    const block = heap.malloc(1000);
    const worker = new Worker(new URL("support/recording-worker.js", import.meta.url), {
      workerData: { handle: heap.handle, block },
    });
    const theirs = await new Promise<Uint8Array>((resolve, reject) =>
      worker.on("message", resolve).on("error", reject),
    );
    const events = await eventsOf(Buffer.concat([recording.stop(), theirs]));
    expect(events).toEqual([
      [KIND.malloc, 1000],
      [KIND.malloc, 77],
      [KIND.free, 0],
      [KIND.free, 0],
    ]);
    heap.close();
  });

  it("ends blocks at freeAll", async () => {
    const heap = await createHeap();
    const recording = await heap.record();
    heap.malloc(1);
    heap.malloc(2);
    heap.freeAll();
    heap.malloc(3);
    const kinds = (await eventsOf(Buffer.from(recording.stop()))).map(([kind]) => kind);
    expect(kinds).toEqual([KIND.malloc, KIND.malloc, KIND.free, KIND.free, KIND.malloc, KIND.free]);
    heap.close();
  });
});

describe("who gets the chunks of a recording", () => {
  const ALLOCATIONS = 100_000;

  it("may use the heap, and what he does there is not recorded", async () => {
    const heap = await createHeap();
    let calls = 0;
    const chunks: Uint8Array[] = [];
    const recording = await heap.record({
      onChunk: (chunk) => {
        calls++;
        const own = heap.malloc(5000);
        chunks.push(chunk);
        heap.free(own);
      },
    });
    for (let n = 0; n < ALLOCATIONS; n++) heap.free(heap.malloc(8));
    expect(recording.events).toBe(2 * ALLOCATIONS);
    recording.stop();
    expect(calls).toBeGreaterThan(2);
    const events = await eventsOf(Buffer.concat(chunks));
    expect(events).toHaveLength(2 * ALLOCATIONS);
    expect(events.some(([, size]) => size === 5000)).toBe(false);
    heap.close();
  });

  it("ends it by an error, which stop() throws and the program's calls do not", async () => {
    const heap = await createHeap();
    const full = new Error("the disk is full");
    let calls = 0;
    const recording = await heap.record({
      onChunk: () => {
        if (++calls === 2) throw full;
      },
    });
    for (let n = 0; n < ALLOCATIONS; n++) heap.free(heap.malloc(8));
    const { events } = recording;
    expect(events).toBeLessThan(2 * ALLOCATIONS);
    expect(() => recording.stop()).toThrow(full);
    expect(calls).toBe(2);
    const again = await heap.record();
    heap.free(heap.malloc(8));
    expect(again.events).toBe(2);
    again.stop();
    heap.close();
  });
});

async function eventsOf(raw: Uint8Array): Promise<[kind: number, size: number][]> {
  const directory = await temporary();
  const [input, output] = [path.join(directory, "it.raw"), path.join(directory, "it.hkt")];
  await writeFile(input, raw);
  convertRecording({ raw: input, output, program: "test" });
  const events: [number, number][] = [];
  for (const { count, kinds, sizes } of decodeRecording(await readFile(output), output).blocks())
    for (let n = 0; n < count; n++) events.push([kinds[n] ?? 0, sizes[n] ?? 0]);
  return events;
}

describe("a heap of a profile with statistics", () => {
  it("has the counts of each class, and the slabs that went back", async () => {
    const profile = { ...(await loadProfile("default")), name: "counting", statistics: true };
    const module = new Uint8Array(await buildWasm({ profile, target: "wasm32" }));
    const heap = await createHeap({ module });
    const blocks = Array.from({ length: 5000 }, () => heap.malloc(100));
    for (const block of blocks) heap.free(block);
    heap.trim();
    // What was counted before is gone with the blocks.
    const other = await createHeap({ module });
    other.malloc(1000);
    other.malloc(100_000);
    other.freeAll();
    expect(other.stats().classes.every(({ allocated }) => allocated === 0)).toBe(true);
    expect(other.stats().retirements).toBe(0);
    other.close();
    const { classes, growths, retired, retirements } = heap.stats();
    const own = classes.find(({ blockSize }) => blockSize === 112);
    expect(own).toMatchObject({ allocated: 5000, requested: 500_000, freed: 5000 });
    expect(growths).toBeGreaterThan(0);
    expect(retired).toHaveLength(retirements ?? -1);
    expect(retired?.[0]).toMatchObject({ blockSize: 112 });
    heap.close();
    const plain = await createHeap();
    expect(plain.stats()).not.toHaveProperty("retired");
    expect(plain.stats().classes[0]).toEqual({ blockSize: 16, slabs: 0, live: 0, cached: 0 });
    expect(attachHeap).toBeTypeOf("function");
  });
});
