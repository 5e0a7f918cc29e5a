import { expect, test } from "vitest";
import { createHeap } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

test("live bytes follow what is allocated and freed", async () => {
  using heap = await createHeap();
  const before = heap.stats().live;
  const blocks = [100, 5000, 200_000].map((size) => heap.malloc(size));
  const usable = blocks.reduce((sum, block) => sum + heap.usableSize(block), 0);
  expect(heap.stats().live - before).toBe(usable);
  for (const block of blocks) heap.free(block);
  expect(heap.stats().live).toBe(before);
});

test("committed bytes are what the heap took of its memory", async () => {
  using heap = await createHeap();
  heap.malloc(5 * MIB);
  const { committed, live, cached, free, metadata } = heap.stats();
  expect(committed).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
  expect(committed).toBeGreaterThanOrEqual(live + cached + free + metadata);
  expect(metadata).toBeGreaterThan(0);
});

test("each size class counts its own blocks", async () => {
  using heap = await createHeap();
  const blocks = Array.from({ length: 10 }, () => heap.malloc(64));
  const blockSize = heap.usableSize(blocks[0] ?? 0);
  const ofClass = () => heap.stats().classes.find((entry) => entry.blockSize === blockSize);
  expect(ofClass()?.live).toBe(10);
  expect(ofClass()?.slabs).toBeGreaterThanOrEqual(1);
  for (const block of blocks) heap.free(block);
  expect(ofClass()?.live).toBe(0);
});

test("size classes are listed from the smallest to the largest", async () => {
  using heap = await createHeap();
  const sizes = heap.stats().classes.map(({ blockSize }) => blockSize);
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test("freed blocks are cached, and trim gives them back", async () => {
  using heap = await createHeap();
  const blocks = Array.from({ length: 50 }, () => heap.malloc(64));
  for (const block of blocks) heap.free(block);
  expect(heap.stats().cached).toBeGreaterThan(0);
  expect(heap.trim()).toBe(true);
  expect(heap.stats().cached).toBe(0);
});

test("trim keeps as many bytes at hand as it is told to", async () => {
  using heap = await createHeap();
  const blocks = Array.from({ length: 300 }, (_, n) => heap.malloc(16 + 80 * n));
  for (const block of blocks) heap.free(block);
  const { cached } = heap.stats();
  // Pages that blocks have left go back whatever is kept.
  heap.trim(cached);
  expect(heap.trim(cached)).toBe(false);
  expect(heap.stats().cached).toBe(cached);
  expect(heap.trim(cached / 2)).toBe(true);
  expect(heap.stats().cached).toBeLessThanOrEqual(cached / 2);
  expect(heap.stats().cached).toBeGreaterThan(cached / 4);
  expect(heap.trim()).toBe(true);
  expect(heap.trim()).toBe(false);
});

test("prewarming fills the cache without handing anything out", async () => {
  using heap = await createHeap();
  const cached = heap.prewarm(64, 100);
  expect(cached).toBeGreaterThanOrEqual(16);
  expect(heap.stats()).toMatchObject({ live: 0 });
  expect(heap.stats().cached).toBeGreaterThanOrEqual(cached * 64);
});

test.each([-1, 1.5, "10", undefined])("prewarming refuses the count %s", async (count) => {
  using heap = await createHeap();
  expect(await errorOf(() => heap.prewarm(64, count as number))).toMatchObject({ argument: "count", value: count });
});

test.each([-1, 1.5, "10", null])("trimming refuses to keep %s bytes", async (keep) => {
  using heap = await createHeap();
  expect(await errorOf(() => heap.trim(keep as number))).toMatchObject({ argument: "keep", value: keep });
});
