import { describe, expect, test } from "vitest";
import { buildsWhere } from "./support/builds.js";
import { RawHeap, Stat } from "./support/raw-heap.js";
import { Random } from "../support/random.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const FILL = 16 * MIB;
const GROWTH = 1.05;

describe.each(buildsWhere(({ shared, wide, guard }) => !shared && !wide && !guard))("$name", (build) => {
  test.each([
    { order: "in order", arrange: (blocks: number[]) => blocks },
    { order: "last first", arrange: (blocks: number[]) => blocks.reverse() },
    { order: "at random", arrange: (blocks: number[]) => new Random(1).shuffle(blocks) },
  ])("ten phases of other classes, freed $order, use the memory of the first", ({ arrange }) => {
    const heap = RawHeap.create(build);
    const [first, ...others] = [1024, 64, 4 * KIB, 128, 256, build.pageSize / 4, 80, 512, 48, 2 * KIB];
    run(heap, first, arrange);
    const before = heap.stat(Stat.Committed);
    for (const size of others) run(heap, size, arrange);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(before * GROWTH);
  });

  test("phases of small, large and huge blocks take the memory of the one that needs most alone", () => {
    const sizes = [1000, 100, 20 * KIB, 300 * KIB, 5000, 600 * KIB, 50 * KIB, 300];
    const alone = sizes.map((size) => {
      const heap = RawHeap.create(build);
      run(heap, size);
      return heap.stat(Stat.Committed);
    });
    const heap = RawHeap.create(build);
    for (const size of sizes) run(heap, size);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(Math.max(...alone) * GROWTH);
  });

  test("a phase of one size of which a few blocks stay leaves its memory to another size", () => {
    const heap = RawHeap.create(build);
    const { kept, freed } = thin(heap, fill(heap, build.pageSize / 8, FILL), 0.05);
    expect(kept.length).toBeGreaterThan(0);
    const before = heap.stat(Stat.Committed);
    fill(heap, build.pageSize / 8 + 1, (freed * build.pageSize) / 8 / 2);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(before * GROWTH);
  });

  test("what remains of small blocks can be had for large ones, and the other way round", () => {
    const heap = RawHeap.create(build);
    for (const block of fill(heap, 500, FILL)) heap.free(block);
    const before = heap.stat(Stat.Committed);
    const large = fill(heap, 100 * KIB, FILL / 2);
    for (const block of fill(heap, 2 * build.pageSize + 1, FILL / 4)) heap.free(block);
    for (const block of large) heap.free(block);
    for (const block of fill(heap, 5000, (FILL * 3) / 4)) heap.free(block);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(before * GROWTH);
  });

  test("calm use of many classes after a rush in one keeps to the memory there is", () => {
    const heap = RawHeap.create(build);
    for (const block of fill(heap, 48, FILL)) heap.free(block);
    const before = heap.stat(Stat.Committed);
    for (let round = 0; round < 20; ++round) {
      const blocks = heap.blockSizes.map((size) => heap.malloc(size));
      for (const block of blocks) heap.free(block);
    }
    expect(heap.stat(Stat.Committed)).toBe(before);
  });
});

/** A phase: allocates blocks of one size, and frees all of them. */
function run(heap: RawHeap, size: number, arrange = (blocks: number[]) => blocks): void {
  for (const block of arrange(fill(heap, size, FILL))) heap.free(block);
  expect(heap.stat(Stat.Live)).toBe(0);
}

/** Blocks for `size` bytes each, which take `bytes` in all. */
function fill(heap: RawHeap, size: number, bytes: number): number[] {
  const first = heap.malloc(size);
  const more = Math.floor(bytes / heap.usableSize(first)) - 1;
  const blocks = [first, ...Array.from({ length: more }, () => heap.malloc(size))];
  expect(blocks).not.toContain(0);
  return blocks;
}

/** Frees all but a random share of the blocks. */
function thin(heap: RawHeap, blocks: readonly number[], share: number): { kept: number[]; freed: number } {
  const random = new Random(7);
  const kept = blocks.filter((block) => {
    if (random.next() < share) return true;
    heap.free(block);
    return false;
  });
  return { kept, freed: blocks.length - kept.length };
}
