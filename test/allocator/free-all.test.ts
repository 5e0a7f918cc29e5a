import { describe, expect, test } from "vitest";
import { buildsWhere } from "./support/builds.js";
import { EndingMemory } from "./support/ending.js";
import { Model, expectZero } from "./support/model.js";
import { Random } from "../support/random.js";
import { ClassStat, Kind, RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const PAGES = 1024;
const PROGRAMS = 3;
const ROUNDS = 4 * PROGRAMS;

/** Allocates blocks of all kinds at random, checked by a model of its own, frees some, and leaves the rest. */
function fill(heap: RawHeap, seed: number): Model {
  const random = new Random(seed);
  const model = new Model(heap);
  for (let n = 0; n < 3000; ++n) {
    const size = random.between(0, random.between(0, 9) === 0 ? 90 * KIB : 2000);
    const align = random.between(0, 9) === 0 ? 2 ** random.between(5, 17) : 0;
    const address = align === 0 ? heap.malloc(size) : heap.memalign(align, size);
    if (address !== 0) model.add(heap, address, size, align);
    if (random.between(0, 2) !== 0 || model.blocks.length === 0) continue;
    const block = model.blocks[random.between(0, model.blocks.length - 1)]!;
    model.remove(block);
    heap.free(block.address);
  }
  for (const block of model.blocks) model.check(block);
  return model;
}

describe.each(buildsWhere(({ shared }) => !shared))("free_all of $name", (build) => {
  test("may end at any call, as where the stack ends: then it is finished by what comes next, or it never began", () => {
    let unfinished = 0;
    for (let last = 1, ended = false; !ended; ++last) {
      const memory = new EndingMemory(build, PAGES);
      const heap = RawHeap.in(memory);
      const [before, after] = [new Model(heap), new Model(heap)];
      for (let n = 0; n < 200; ++n) before.add(heap, heap.malloc(n * 40), n * 40);
      const live = heap.stat(Stat.Live);
      ended = memory.call(heap.prepare("free_all").call, last);
      const first = [0, 48, 20 * KIB, 100 * KIB, 2 * MIB][last % 5]!;
      const begun = heap.malloc(first);
      const isWhole = heap.stat(Stat.Live) - heap.usableSize(begun) >= live;
      if (ended) expect(isWhole).toBe(false);
      if (!ended && !isWhole) ++unfinished;
      // What is allocated then is apart, also from the blocks of before where these are still there.
      const now = isWhole ? before : after;
      now.add(heap, begun, first);
      for (let n = 0; n < 200; ++n) now.add(heap, heap.malloc(n * 30), n * 30);
      for (const block of now.blocks) now.check(block);
      expect(heap.freeAll()).toBe(1);
      expect(heap.stat(Stat.Live)).toBe(0);
      expect(heap.threadId).toBe(1);
    }
    expect(unfinished).toBeGreaterThan(0);
  });

  test("is refused where another instance uses the heap, and knows the heap that an instance has joined", () => {
    const heap = RawHeap.create(build, PAGES);
    const other = heap.join(heap.threadInit(0));
    const block = heap.malloc(100);
    expect(other.freeAll()).toBe(0);
    expect(heap.freeAll()).toBe(0);
    heap.memory.bytes.fill(1, block, block + 100);
    heap.threadExit();
    expect(other.freeAll()).toBe(1);
    const model = new Model(other);
    for (let n = 0; n < 200; ++n) model.add(other, other.malloc(n * 30), n * 30);
    for (const one of model.blocks) model.check(one);
  });

  test("leaves a heap as it was when it began, in the memory that it has", () => {
    const heap = RawHeap.create(build, PAGES);
    let metadata = heap.stat(Stat.Metadata);
    let committed = 0;
    for (let round = 0; round < ROUNDS; ++round) {
      fill(heap, 1 + (round % PROGRAMS));
      // Each has then been run in memory that grew with it, and once in a single run, which may be cut in other places.
      if (round === 2 * PROGRAMS - 1) committed = heap.stat(Stat.Committed);
      expect(heap.freeAll()).toBe(1);
      // The tables of all memory, once there are any, stay.
      if (round < PROGRAMS) metadata = heap.stat(Stat.Metadata);
      expect(heap.stat(Stat.Live)).toBe(0);
      expect(heap.stat(Stat.Cached)).toBe(0);
      expect(heap.stat(Stat.Threads)).toBe(1);
      expect(heap.threadId).toBe(1);
      expect(heap.stat(Stat.Metadata)).toBe(metadata);
      expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - metadata);
      for (const size of heap.blockSizes.keys()) expect(heap.classStat(size, ClassStat.Slabs)).toBe(0);
    }
    // The same programs find room where they found it before, but for what is placed at random.
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(committed + (build.hardened ? 2 * MIB : 0));
  });

  test("makes one run of what was many blocks, which reads as zero where that is asked", () => {
    const heap = RawHeap.create(build, PAGES);
    const sizes = [40, 5000, 100 * KIB, 500 * KIB];
    for (let n = 0; n < 64; ++n) {
      const size = sizes[n % sizes.length]!;
      const block = heap.malloc(size);
      heap.memory.bytes.fill(0xff, block, block + size);
    }
    const free = heap.stat(Stat.Committed) - heap.stat(Stat.Metadata);
    heap.freeAll();
    const committed = heap.stat(Stat.Committed);
    const size = free - MIB;
    const block = heap.calloc(1, size);
    expectZero(heap.memory.bytes, block, size);
    for (const size of sizes) expectZero(heap.memory.bytes, heap.calloc(1, size), size);
    expect(heap.stat(Stat.Committed)).toBe(committed);
  });

  test("makes every address that was a block's one that is no block's", () => {
    const heap = RawHeap.create(build, PAGES);
    const model = fill(heap, 7);
    heap.freeAll();
    for (const { address } of model.blocks) {
      expect(heap.kind(address)).toBe(Kind.Foreign);
      expect(heap.usableSize(address)).toBe(0);
    }
  });

  test("does nothing to a heap in which nothing was allocated, and can be called again", () => {
    const heap = RawHeap.create(build, PAGES);
    for (let n = 0; n < 3; ++n) expect(heap.freeAll()).toBe(1);
    fill(heap, 9);
  });
});

test.each(buildsWhere(({ shared }) => shared))("free_all of $name does nothing", (build) => {
  const heap = RawHeap.create(build, PAGES);
  const model = fill(heap, 3);
  expect(heap.freeAll()).toBe(0);
  for (const block of model.blocks) model.check(block);
});
