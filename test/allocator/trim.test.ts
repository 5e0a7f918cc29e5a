import { describe, expect, test } from "vitest";
import { buildsWhere } from "./support/builds.js";
import { Random } from "../support/random.js";
import { ClassStat, RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;

/** A heap that caches blocks of many sizes. In guard builds freed blocks wait in quarantine, which trimming empties. */
function withCaches(build: Parameters<typeof RawHeap.create>[0]): RawHeap {
  const heap = RawHeap.create(build);
  const random = new Random(1);
  const blocks = Array.from({ length: 3000 }, () =>
    heap.malloc(random.between(1, random.between(0, 9) === 0 ? 200 * KIB : 4000)),
  );
  for (const block of random.shuffle(blocks)) heap.free(block);
  return heap;
}

describe.each(buildsWhere(({ guard }) => !guard))("malloc_trim of $name", (build) => {
  test.each([1, 1000, 10 * KIB, 100 * KIB, 1024 * KIB])("keeps %i bytes at most, and not much less", (keep) => {
    const heap = withCaches(build);
    const before = heap.stat(Stat.Cached);
    const answer = heap.trim(keep);
    const kept = heap.stat(Stat.Cached);
    if (before > keep) expect(answer).toBe(1);
    expect(kept).toBeLessThanOrEqual(keep);
    // What is kept is whole: a magazine of the thread's cache, or a large block.
    if (keep >= 100 * KIB) expect(kept).toBeGreaterThan(Math.min(before, keep) / 2);
  });

  test("keeps everything where it is asked to keep more than there is, and nothing without", () => {
    const heap = withCaches(build);
    const before = heap.stat(Stat.Cached);
    expect(before).toBeGreaterThan(0);
    heap.trim(before);
    expect(heap.stat(Stat.Cached)).toBe(before);
    heap.trim();
    expect(heap.stat(Stat.Cached)).toBe(0);
  });

  test("keeps the smallest blocks where it cannot keep all", () => {
    const heap = RawHeap.create(build);
    const cache = (size: number, count: number): void => {
      const blocks = Array.from({ length: count }, () => heap.malloc(size));
      for (const block of blocks) heap.free(block);
    };
    cache(16, 64);
    cache(1024, 4);
    const small = heap.classStat(0, ClassStat.Cached);
    expect(small).toBeGreaterThan(0);
    heap.trim(small * 16);
    expect(heap.stat(Stat.Cached)).toBe(small * 16);
    expect(heap.classStat(0, ClassStat.Cached)).toBe(small);
  });

  test("tells whether anything was given up", () => {
    const heap = withCaches(build);
    expect(heap.trim()).toBe(1);
    expect(heap.trim()).toBe(0);
  });

  test("what was kept is handed out, and the heap is whole", () => {
    const heap = withCaches(build);
    heap.trim(50 * KIB);
    const random = new Random(2);
    const blocks = new Set(Array.from({ length: 3000 }, () => heap.malloc(random.between(1, 4000))));
    expect(blocks.size).toBe(3000);
    for (const block of blocks) heap.free(block);
    heap.trim();
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.Cached)).toBe(0);
  });
});
