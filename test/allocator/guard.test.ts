import { describe, expect, test } from "vitest";
import { BUILDS, buildsWhere, type Build } from "./support/builds.js";
import { Cause, Misuse, RawHeap, Stat, WASM_PAGE } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = 100;
const LARGE = 100 * KIB;
const HUGE = 3 * MIB;
const KINDS = [
  { kind: "small", size: SMALL },
  { kind: "large", size: LARGE },
  { kind: "huge", size: HUGE },
];

describe.each(buildsWhere(({ guard }) => guard))("$name", (build) => {
  const heap = (): RawHeap => RawHeap.create(build);

  describe.each(KINDS)("a $kind block", ({ size }) => {
    test("that is freed twice is reported as that", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      expect(misuse(() => h.free(block))).toEqual({ cause: Cause.DoubleFree, pointer: block });
    });

    test("that is freed twice with others between is reported as that", () => {
      const h = heap();
      const blocks = Array.from({ length: 20 }, () => h.malloc(size));
      for (const block of blocks) h.free(block);
      expect(misuse(() => h.free(blocks[3]!))).toEqual({ cause: Cause.DoubleFree, pointer: blocks[3] });
    });

    test.each([1, 8, 16, 48, 96])("that is freed %i bytes behind its start is reported", (offset) => {
      const h = heap();
      const block = h.malloc(size);
      expect(misuse(() => h.free(block + offset))).toEqual({ cause: Cause.Interior, pointer: block + offset });
    });

    test("that is freed, and resized then, is reported", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      expect(misuse(() => h.realloc(block, 2 * size))).toMatchObject({ pointer: block });
    });

    test("that is freed with a size that it cannot hold is reported", () => {
      const h = heap();
      const block = h.malloc(size);
      const usable = h.usableSize(block);
      expect(misuse(() => h.freeSized(block, usable + 1))).toEqual({ cause: Cause.WrongSize, pointer: block });
      const other = h.malloc(size);
      expect(misuse(() => h.freeAlignedSized(other, 16, 2 * usable))).toEqual({
        cause: Cause.WrongSize,
        pointer: other,
      });
    });

    test("that is freed with the size it was asked for, or that it has, is not reported", () => {
      const h = heap();
      h.freeSized(h.malloc(size), size);
      const block = h.malloc(size);
      h.freeSized(block, h.usableSize(block));
      h.freeAlignedSized(h.memalign(64, size), 64, size);
      expect(h.stat(Stat.Live)).toBe(0);
    });
  });

  test.each([build.pageSize, build.granuleSize])(
    "a large block freed %i bytes behind its start is reported as that",
    (offset) => {
      const h = heap();
      const block = h.malloc(4 * build.pageSize);
      expect(misuse(() => h.free(block + offset))).toEqual({ cause: Cause.Interior, pointer: block + offset });
    },
  );

  test("a huge block freed a page behind its start is reported as that", () => {
    const h = heap();
    const block = h.malloc(HUGE);
    const inside = block + build.pageSize;
    expect(misuse(() => h.free(inside))).toEqual({ cause: Cause.Interior, pointer: inside });
  });

  test("a pointer that no heap handed out is reported as foreign", () => {
    const h = heap();
    const control = h.threadInit(0);
    h.malloc(SMALL);
    const foreign = h.memory.grow(1);
    for (const pointer of [foreign, foreign + 16, control, 2 ** 31, 16, 1]) {
      expect(misuse(() => h.free(pointer))).toEqual({ cause: Cause.Foreign, pointer });
    }
  });

  test("a pointer into a slab, of which no block has been handed out there yet, is reported as foreign", () => {
    const h = heap();
    const size = build.pageSize / 8;
    const block = h.malloc(size);
    const beyond = block + 4 * size;
    expect(misuse(() => h.free(beyond))).toMatchObject({ pointer: beyond });
  });

  test("a write to a free block's link is found when the block is handed out", () => {
    const h = heap();
    const block = h.malloc(SMALL);
    h.free(block);
    h.memory.bytes.fill(0x41, block, block + 4);
    expect(misuse(() => h.malloc(SMALL))).toEqual({ cause: Cause.CorruptedList, pointer: block });
  });

  test("a write beyond the end of a block is found when it hits a free one", () => {
    const h = heap();
    const [first, second] = [h.malloc(SMALL), h.malloc(SMALL)].sort((a, b) => a - b) as [number, number];
    const usable = h.usableSize(first);
    expect(second).toBe(first + usable);
    h.free(second);
    h.memory.bytes.fill(0, first, first + usable + 1);
    expect(misuse(() => h.malloc(SMALL))).toEqual({ cause: Cause.CorruptedList, pointer: second });
  });

  const behindTheLinks = build.wide ? 16 : 8;
  test.each([behindTheLinks, 16, 50, 111])(
    "a write to byte %i of a free block is found when it is handed out",
    (offset) => {
      const h = heap();
      const block = h.malloc(SMALL);
      h.free(block);
      h.memory.bytes[block + offset]! ^= 1;
      expect(misuse(() => h.malloc(SMALL))).toEqual({ cause: Cause.UseAfterFree, pointer: block });
    },
  );

  test("a read of a free block does not find what the program left there", () => {
    const h = heap();
    const block = h.malloc(1000);
    h.memory.bytes.fill(0x42, block, block + 1000);
    h.free(block);
    expect(h.memory.bytes.subarray(block + behindTheLinks, block + 1000)).not.toContain(0x42);
  });

  test("what another thread does wrong is found as well", () => {
    if (!build.shared) return;
    const h = heap();
    const other = h.join(h.threadInit(0));
    const block = h.malloc(SMALL);
    other.free(block);
    expect(misuse(() => h.free(block))).toEqual({ cause: Cause.DoubleFree, pointer: block });
  });
});

describe.each(BUILDS.filter(({ guard }) => !guard))("$name", (build) => {
  test("a pointer that is not the start of a block is ignored by every call, and nothing is written", () => {
    const { heap, pointers } = withStrangers(build);
    const before = heap.memory.bytes.slice();
    for (const pointer of pointers) {
      heap.free(pointer);
      heap.freeSized(pointer, 100);
      heap.freeAlignedSized(pointer, 64, 100);
      expect(heap.usableSize(pointer)).toBe(0);
      expect(heap.realloc(pointer, 100)).toBe(0);
      expect(heap.reallocarray(pointer, 10, 10)).toBe(0);
    }
    expect(Buffer.compare(before, heap.memory.bytes)).toBe(0);
  });
});

/** A heap with blocks of all kinds, and pointers that are not the start of any. */
function withStrangers(build: Build): { heap: RawHeap; pointers: number[] } {
  const heap = RawHeap.create(build);
  const control = heap.threadInit(0);
  const large = heap.malloc(4 * build.pageSize);
  const huge = heap.malloc(HUGE);
  const foreign = heap.memory.grow(2);
  heap.memory.bytes.fill(0x77, foreign, foreign + 2 * WASM_PAGE);
  return {
    heap,
    pointers: [
      1,
      control,
      control + 4096,
      large + 1,
      large + 16,
      large + build.granuleSize,
      large + build.pageSize,
      huge + 16,
      huge + build.pageSize,
      huge + 20 * build.pageSize,
      foreign,
      foreign + 16,
      foreign + WASM_PAGE,
      heap.memory.length,
      2 ** 31,
      2 ** 32 - 16,
    ],
  };
}

/** What a guard build reports of an action. */
function misuse(action: () => unknown): { cause: Cause; pointer: number } {
  try {
    action();
  } catch (error) {
    if (error instanceof Misuse) return { cause: error.cause, pointer: error.pointer };
    throw error;
  }
  return expect.unreachable("nothing was reported");
}
