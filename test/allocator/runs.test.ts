/** Runs of free pages that are kept for huge blocks: they are joined, count as free, and are anybody's who needs pages. */

import { describe, expect, test } from "vitest";
import { Random } from "../support/random.js";
import { buildsWhere, type Build } from "./support/builds.js";
import { RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Blocks of whole pages next to one another, freed in a random order. */
function freed(build: Build, seed: number): { readonly heap: RawHeap; readonly bytes: number } {
  const heap = RawHeap.create(build);
  const random = new Random(seed);
  const before = heap.stat(Stat.FreePages);
  const sizes = Array.from({ length: 40 }, () => random.between(9, 40) * build.pageSize);
  const blocks = sizes.map((size) => heap.malloc(size));
  for (const block of random.shuffle(blocks)) heap.free(block);
  expect(heap.stat(Stat.FreePages)).toBeGreaterThanOrEqual(before);
  return { heap, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Guard builds keep freed blocks for a while. */
describe.each(buildsWhere(({ guard }) => !guard))("$name keeps runs of free pages", (build) => {
  test.each([1, 2, 3])("that one block may have as a whole, in whatever order they were freed (%i)", (seed) => {
    const { heap, bytes } = freed(build, seed);
    const { length } = heap.memory;
    expect(heap.malloc(bytes)).not.toBe(0);
    expect(heap.memory.length).toBe(length);
  });

  test("that are free pages to those who ask", () => {
    const { heap, bytes } = freed(build, 4);
    const free = heap.stat(Stat.FreePages);
    expect(free).toBeGreaterThanOrEqual(bytes);
    heap.trim();
    expect(heap.stat(Stat.FreePages)).toBe(free);
    expect(heap.stat(Stat.Live)).toBe(0);
  });

  test("until small and large blocks need them", () => {
    const { heap, bytes } = freed(build, 5);
    const { length } = heap.memory;
    for (let taken = 0; taken < bytes * 0.8; taken += 1000) expect(heap.malloc(1000)).not.toBe(0);
    expect(heap.memory.length).toBeLessThanOrEqual(length + MIB / 4);
    const { heap: other, bytes: room } = freed(build, 6);
    const before = other.memory.length;
    for (let taken = 0; taken < room * 0.8; taken += 40 * KIB) expect(other.malloc(40 * KIB)).not.toBe(0);
    expect(other.memory.length).toBeLessThanOrEqual(before + MIB / 4);
  });

  test("from which a block grows where it lies", () => {
    const heap = RawHeap.create(build);
    const sizes = [20, 20, 20, 9].map((pages) => pages * build.pageSize);
    const [first, second, third] = sizes.map((size) => heap.malloc(size)) as [number, number, number];
    heap.free(third);
    heap.free(second);
    const { length } = heap.memory;
    expect(heap.realloc(first, 30 * build.pageSize)).toBe(first);
    expect(heap.realloc(first, 60 * build.pageSize)).toBe(first);
    expect(heap.memory.length).toBe(length);
    heap.free(heap.realloc(first, 10 * build.pageSize));
    expect(heap.malloc(60 * build.pageSize)).toBe(first);
  });

  test("that are forgotten when all is freed at once", () => {
    if (build.shared) return;
    const { heap, bytes } = freed(build, 7);
    const { length } = heap.memory;
    heap.freeAll();
    for (let taken = 0; taken < bytes; taken += 2 * MIB)
      expect(heap.malloc(Math.min(2 * MIB, bytes - taken))).not.toBe(0);
    expect(heap.memory.length).toBeLessThanOrEqual(length + 4 * MIB);
  });
});
