/** What a build with a learner does otherwise than one without, by what both count (S15). */

import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/tools/src/build/wasm.js";
import { loadProfile, parseProfile } from "../../packages/tools/src/profile/index.js";

const PAGE = 2 ** 14;
const REFILLS = 0;
const SLABS_MADE = 3;
const CACHED = 3;
const FREE_PAGES = 4;

interface Exports {
  malloc(size: number): number;
  free(block: number): void;
  malloc_usable_size(block: number): number;
  thread_init(control: number): number;
  heap_stat(what: number): number;
  class_stat(index: number, what: number): number;
  counter(index: number, what: number): bigint;
  malloc_trim(pad: number): number;
}

const base = await loadProfile("default");

async function moduleWith(learner: boolean): Promise<WebAssembly.Module> {
  const profile = { ...base, name: "learner", statistics: true, learner };
  return new WebAssembly.Module((await buildWasm({ profile, target: "wasm32" })) as Uint8Array<ArrayBuffer>);
}

const fixed = await moduleWith(false);
const learning = await moduleWith(true);

class Heap {
  readonly exports: Exports;

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: 0, maximum: 2000 });
    const env = { memory, hakmem_now: () => performance.now() };
    this.exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    this.exports.thread_init(0);
  }

  fill(size: number, bytes: number): number[] {
    const blocks: number[] = [];
    for (let n = 0; n < bytes / size; n++) blocks.push(this.exports.malloc(size));
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(blocks).not.toContain(0);
    return blocks;
  }

  empty(blocks: readonly number[]): void {
    for (const block of blocks) this.exports.free(block);
  }

  counted(size: number, what: number): number {
    return Number(this.exports.counter(this.#index(size), what));
  }

  cached(size: number): number {
    return this.exports.class_stat(this.#index(size), CACHED);
  }

  #index(size: number): number {
    let index = 0;
    while (this.exports.class_stat(index, 0) < size) index++;
    return index;
  }
}

/** What `figure` is for a heap of each kind that `use` was done with. */
function both(use: (heap: Heap) => void, figure: (heap: Heap) => number): { fixed: number; learning: number } {
  const [a, b] = [new Heap(fixed), new Heap(learning)];
  use(a);
  use(b);
  return { fixed: figure(a), learning: figure(b) };
}

describe("a build with a learner", () => {
  it("keeps some slabs that are empty where they come and go, and gives them back when asked", () => {
    const heaps: Heap[] = [];
    const use = (heap: Heap): void => {
      for (let phase = 0; phase < 20; phase++) heap.empty(heap.fill(64, 2 ** 20));
      heaps.push(heap);
    };
    const made = both(use, (heap) => heap.counted(64, SLABS_MADE));
    expect(made.learning).toBeLessThan(made.fixed);
    for (const heap of heaps) {
      heap.exports.malloc_trim(0);
      expect(heap.exports.class_stat(3, 1), "slabs of 64 bytes").toBe(0);
    }
    const [before, after] = heaps.map((heap) => heap.exports.heap_stat(FREE_PAGES));
    expect(Math.abs(after! - before!)).toBeLessThanOrEqual(2 * PAGE);
  });

  it("carves more at once where slabs are filled and stay", () => {
    const refills = both(
      (heap) => void heap.fill(2048, 2 ** 22),
      (heap) => heap.counted(2048, REFILLS),
    );
    expect(refills.learning).toBeLessThan(refills.fixed / 2);
  });

  it("has shorter magazines where blocks stay", () => {
    const cached = both(
      (heap) => heap.empty(heap.fill(64, 2 ** 22).filter((_, n) => n % 64 < 2)),
      (heap) => heap.cached(64),
    );
    expect(cached.learning).toBeLessThan(cached.fixed);
  });

  it("has longer ones at once where they come and go", () => {
    const refills = both(
      (heap) => {
        for (let phase = 0; phase < 4; phase++) heap.empty(heap.fill(64, 2 ** 17));
      },
      (heap) => heap.counted(64, REFILLS),
    );
    expect(refills.learning).toBeLessThanOrEqual(refills.fixed);
  });

  it("is refused for pages in which its records have no room", () => {
    const profile = { ...base, pageShift: 12, addressBits: 32, learner: true };
    expect(() => parseProfile(profile, "mine")).toThrow(
      "profile mine: learner is true; it must be false when pageShift is below 14",
    );
  });
});
