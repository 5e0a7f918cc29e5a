/** What builds with statistics count, against a program that counts itself. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/tools/src/build/wasm.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import type { Target } from "../../packages/tools/src/profile/target.js";

const PAGE = 2 ** 14;
const OF_HEAP = 0xffffffff;
const COUNTER = { refills: 0, sentHome: 1, remote: 2, made: 3, retired: 4, ratio: 5, hits: 6, use: 7 } as const;
const OWN = { allocated: 16, requested: 17, freed: 18, full: 20, partial: 21, empty: 22 } as const;
const BIG = { allocated: 0, requested: 1, freed: 2, growths: 3, retirements: 6 } as const;

interface Exports {
  malloc(size: number): number;
  free(block: number): void;
  malloc_usable_size(block: number): number;
  thread_init(control: number): number;
  thread_id(): number;
  class_stat(index: number, what: number): number;
  counter(index: number, what: number): bigint;
  page_stat(page: number, what: number): number;
  retirement(back: number, what: number): bigint;
  malloc_trim(pad: number): number;
}

const base = await loadProfile("default");

async function moduleOf(target: Target): Promise<WebAssembly.Module> {
  const profile = { ...base, name: "statistics", statistics: true };
  return new WebAssembly.Module((await buildWasm({ profile, target })) as Uint8Array<ArrayBuffer>);
}

const single = await moduleOf("wasm32");
const shared = await moduleOf("wasm32-shared");

function instance(module: WebAssembly.Module, memory: WebAssembly.Memory, control = 0): [Exports, number] {
  const env = { memory, hakmem_now: () => performance.now() };
  const heap = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
  return [heap, heap.thread_init(control)];
}

function memory(isShared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 0, maximum: 2000, shared: isShared });
}

function classes(heap: Exports): number[] {
  const sizes: number[] = [];
  for (let index = 0; heap.class_stat(index, 0) !== 0; index++) sizes.push(heap.class_stat(index, 0));
  return sizes;
}

describe("a build with statistics", () => {
  it("counts each class's calls, and the bytes that they asked for", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.boolean()), { maxLength: 400 }),
        (calls) => {
          const [heap] = instance(single, memory(false));
          const sizes = classes(heap);
          const expected = sizes.map(() => ({ allocated: 0, requested: 0, freed: 0 }));
          const big = { allocated: 0, freed: 0 };
          const count = (bytes: number, what: "allocated" | "freed", requested = 0): void => {
            const of = expected[sizes.indexOf(bytes)];
            if (of === undefined) big[what]++;
            else of[what]++;
            if (of !== undefined) of.requested += requested;
          };
          for (const [size, isFreed] of calls) {
            const block = heap.malloc(size);
            const bytes = heap.malloc_usable_size(block);
            // Of medium blocks those that come from no cache are asked for whole: the next longer one serves as well.
            if (bytes > 4096) {
              heap.free(block);
              continue;
            }
            count(bytes, "allocated", size);
            if (!isFreed) continue;
            heap.free(block);
            count(bytes, "freed");
          }
          sizes.forEach((bytes, index) => {
            if (bytes > 4096) return;
            const figures = {
              allocated: Number(heap.counter(index, OWN.allocated)),
              requested: Number(heap.counter(index, OWN.requested)),
              freed: Number(heap.counter(index, OWN.freed)),
            };
            expect(figures).toEqual(expected[index]);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it("counts every call once, with what it asked for, wherever the block comes from", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 300_000 }), fc.nat()), { maxLength: 300 }), (calls) => {
        const [heap] = instance(single, memory(false));
        const live: number[] = [];
        let [bytes, frees] = [0, 0];
        for (const [size, pick] of calls) {
          const block = heap.malloc(size);
          if (block === 0) continue;
          bytes += size;
          live.push(block);
          if (pick % 3 === 0) continue;
          heap.free(live.splice(pick % live.length, 1)[0] ?? 0);
          frees++;
        }
        const sum = (what: number, ofHeap: number): number =>
          classes(heap).reduce(
            (total, _, index) => total + Number(heap.counter(index, what)),
            Number(heap.counter(OF_HEAP, ofHeap)),
          );
        const found = [sum(OWN.allocated, BIG.allocated), sum(OWN.requested, BIG.requested), sum(OWN.freed, BIG.freed)];
        expect(found).toEqual([live.length + frees, bytes, frees]);
      }),
      { numRuns: 100 },
    );
  });

  it("counts what is large apart, and each growth", () => {
    const [heap] = instance(single, memory(false));
    const blocks = [100_000, 200_000, 3_000_000].map((size) => heap.malloc(size));
    heap.free(blocks[1] ?? 0);
    expect(heap.counter(OF_HEAP, BIG.allocated)).toBe(3n);
    expect(heap.counter(OF_HEAP, BIG.freed)).toBe(1n);
    expect(Number(heap.counter(OF_HEAP, BIG.requested))).toBeGreaterThanOrEqual(3_300_000);
    expect(heap.counter(OF_HEAP, BIG.growths)).toBeGreaterThan(0n);
    expect(heap.counter(OF_HEAP, 99)).toBe(0n);
    expect(heap.counter(10_000, 0)).toBe(0n);
  });

  it("keeps the last thousand slabs that were retired, with ages and use, and averages every hundred", () => {
    const [heap] = instance(single, memory(false));
    const index = classes(heap).indexOf(1024);
    for (let round = 0; round < 30; round++) {
      const blocks = Array.from({ length: 1600 }, () => heap.malloc(1024));
      for (const block of blocks) heap.free(block);
      heap.malloc_trim(0);
    }
    const retired = Number(heap.counter(index, COUNTER.retired));
    expect(retired).toBeGreaterThan(1100);
    expect(Number(heap.counter(OF_HEAP, BIG.retirements))).toBe(retired);
    const slabs = heap.class_stat(index, 1);
    expect(Number(heap.counter(index, COUNTER.made))).toBe(retired + slabs);
    let before = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (; heap.retirement(kept, 0) !== 0n; kept++) {
      const time = Number(heap.retirement(kept, 0));
      expect(time).toBeLessThanOrEqual(before);
      before = time;
      expect(Number(heap.retirement(kept, 1))).toBeLessThan(time);
      expect(heap.retirement(kept, 2)).toBe(1024n);
      expect(Number(heap.retirement(kept, 3))).toBeLessThanOrEqual(1000);
    }
    expect(kept).toBe(1000);
    // All blocks went home.
    expect(Number(heap.counter(index, COUNTER.hits))).toBeLessThan(100);
    expect(Number(heap.counter(index, COUNTER.ratio))).toBeGreaterThan(900);
    for (const what of [COUNTER.hits, COUNTER.ratio, COUNTER.use]) {
      expect(Number(heap.counter(index, what))).toBeLessThanOrEqual(1000);
    }
  });

  it("tells what is in each page", () => {
    const [heap] = instance(single, memory(false));
    const sizes = classes(heap);
    const blocks = Array.from({ length: 3000 }, (_, n) => heap.malloc(1 + ((n * 37) % 3000)));
    blocks.forEach((block, n) => n % 3 === 0 && heap.free(block));
    const big = heap.malloc(400_000);
    const large = heap.malloc(20_000);
    const slabs = new Map<number, { pages: number; used: number }>();
    for (let page = 0; page < 2000 * 4; page++) {
      if (heap.page_stat(page, 0) !== 1) continue;
      const of = slabs.get(heap.page_stat(page, 1)) ?? { pages: 0, used: 0 };
      slabs.set(heap.page_stat(page, 1), { pages: of.pages + 1, used: of.used + heap.page_stat(page, 2) });
      expect(heap.page_stat(page, 3)).toBe(Math.floor(PAGE / heap.page_stat(page, 1)));
      expect(heap.page_stat(page, 4)).toBe(heap.thread_id());
    }
    sizes.forEach((size, index) => {
      if (size > 4096) return;
      const found = slabs.get(size) ?? { pages: 0, used: 0 };
      expect(found.pages).toBe(heap.class_stat(index, 1));
      expect(found.used).toBe(heap.class_stat(index, 2) + heap.class_stat(index, 3));
      const states = [OWN.full, OWN.partial, OWN.empty].map((what) => Number(heap.counter(index, what)));
      expect(states.reduce((sum, count) => sum + count, 0)).toBe(found.pages);
    });
    expect(heap.page_stat(big >>> 14, 0)).toBe(3);
    expect(heap.page_stat((big + 200_000) >>> 14, 0)).toBe(3);
    expect(heap.page_stat(large >>> 14, 0)).toBe(2);
    heap.free(big);
    expect(heap.page_stat(big >>> 14, 0)).toBe(5);
    expect(heap.page_stat(0xffffff, 0)).toBe(0);
  });

  it("counts what goes to other threads' slabs", () => {
    const common = memory(true);
    const [first, control] = instance(shared, common);
    const [second] = instance(shared, common, control);
    const blocks = Array.from({ length: 10_000 }, () => first.malloc(64));
    for (const block of blocks) second.free(block);
    second.malloc_trim(0);
    const index = classes(first).indexOf(64);
    expect(Number(first.counter(index, OWN.freed))).toBe(10_000);
    expect(Number(first.counter(index, COUNTER.remote))).toBe(10_000);
    expect(Number(first.counter(index, COUNTER.sentHome))).toBe(10_000);
    expect(Number(first.counter(index, COUNTER.refills))).toBeGreaterThan(100);
  });
});
