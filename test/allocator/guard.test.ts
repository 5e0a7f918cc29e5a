import { describe, expect, test } from "vitest";
import { BUILDS, buildsWhere, type Build } from "./support/builds.js";
import { misuse } from "./support/misuse.js";
import { Cause, RawHeap, Stat, WASM_PAGE } from "./support/raw-heap.js";

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
  const poke = (h: RawHeap, address: number, length = 1): void => {
    h.memory.bytes.fill(0x41, address, address + length);
  };

  test("a block that realloc shrinks where it is, since there is no memory to move it, has no alignment any more", () => {
    const h = RawHeap.create(build, 100);
    const block = h.memalign(256, SMALL);
    for (let size = MIB; size >= 1; size /= 2) while (h.malloc(size) !== 0);
    expect(h.realloc(block, SMALL - 1)).toBe(block);
    h.freeSized(block, SMALL - 1);
    expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree });
  });

  describe.each(KINDS)("a $kind block", ({ size }) => {
    test("that is freed twice is reported as that", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree, block, size });
    });

    test("that is freed twice with others between, and long after it left the quarantine, is reported as that", () => {
      const h = heap();
      const blocks = Array.from({ length: 20 }, () => h.malloc(size));
      for (const block of blocks) h.free(block);
      h.trim();
      expect(misuse(() => h.free(blocks[3]!))).toMatchObject({ cause: Cause.DoubleFree, at: blocks[3] });
    });

    test.each([1, 8, 16, 48, 96])("that is freed %i bytes behind its start is reported", (offset) => {
      const h = heap();
      const block = h.malloc(size);
      expect(misuse(() => h.free(block + offset))).toEqual({
        cause: Cause.Interior,
        block,
        size,
        at: block + offset,
        value: 0,
      });
    });

    test.each([1, 8, 16])("that is freed %i bytes before its start is reported", (offset) => {
      const h = heap();
      const block = h.malloc(size);
      expect(misuse(() => h.free(block - offset))).toMatchObject({ at: block - offset });
    });

    test("that is freed, and resized then, is reported", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      expect(misuse(() => h.realloc(block, 2 * size))).toMatchObject({ cause: Cause.DoubleFree, block });
    });

    test("that is used by its old address after it was resized is reported", () => {
      const h = heap();
      const block = h.malloc(size);
      const moved = h.realloc(block, size + 1);
      expect(moved).not.toBe(block);
      expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree, block });
    });

    test.each([-1, 1, 1000])("that is freed with a size that is off by %i is reported", (difference) => {
      const h = heap();
      const block = h.malloc(size);
      expect(misuse(() => h.freeSized(block, size + difference))).toMatchObject({
        cause: Cause.WrongSize,
        block,
        size,
        value: size + difference,
      });
    });

    test("that is freed with another alignment than it was asked for is reported", () => {
      const h = heap();
      const block = h.memalign(64, size);
      expect(misuse(() => h.freeAlignedSized(block, 128, size))).toMatchObject({
        cause: Cause.WrongAlignment,
        block,
        size,
        value: 128,
      });
    });

    test("that is freed with its size and alignment is not reported", () => {
      const h = heap();
      h.freeSized(h.malloc(size), size);
      h.freeAlignedSized(h.memalign(64, size), 64, size);
      h.freeAlignedSized(h.malloc(size), 8, size);
      expect(h.stat(Stat.Live)).toBe(0);
    });

    test.each([1, 2, 8, 16, 31, 32])(
      "that is written to %i bytes beyond its end is reported when it is freed",
      (distance) => {
        const h = heap();
        const block = h.malloc(size);
        poke(h, block + size + distance - 1);
        expect(misuse(() => h.free(block))).toEqual({
          cause: Cause.Overflow,
          block,
          size,
          at: block + size + distance - 1,
          value: 0x41,
        });
      },
    );

    test("that is written to beyond its end is reported when it is resized", () => {
      const h = heap();
      const block = h.malloc(size);
      poke(h, block + size);
      expect(misuse(() => h.realloc(block, size * 2))).toMatchObject({ cause: Cause.Overflow, block });
    });

    test("that is written to beyond its end is reported by a check of all", () => {
      const h = heap();
      const blocks = [h.malloc(size), h.malloc(size), h.malloc(size)];
      h.check();
      poke(h, blocks[1]! + size);
      expect(misuse(() => h.check())).toMatchObject({ cause: Cause.Overflow, block: blocks[1] });
    });

    test.each([1, 8, 16])("that is written to %i bytes before its start is reported when it is freed", (distance) => {
      const h = heap();
      const block = h.malloc(size);
      poke(h, block - distance);
      expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.Underflow, block, at: block - distance });
    });

    test.each([0, 50, 99])(
      "that is written to at byte %i after it was freed is reported when it leaves the quarantine",
      (offset) => {
        const h = heap();
        const block = h.malloc(size);
        h.free(block);
        poke(h, block + offset);
        expect(misuse(() => h.trim())).toEqual({
          cause: Cause.UseAfterFree,
          block,
          size,
          at: block + offset,
          value: 0x41,
        });
      },
    );

    test("that is written to after it was freed is reported by a check of all", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      h.check();
      poke(h, block + size - 1);
      expect(misuse(() => h.check())).toMatchObject({ cause: Cause.UseAfterFree, block });
    });

    test("is not handed out again soon after it was freed", () => {
      const h = heap();
      const block = h.malloc(size);
      h.free(block);
      expect(h.malloc(size)).not.toBe(block);
    });

    test("holds neither what the program left there before, nor zeros", () => {
      const h = heap();
      const block = h.malloc(size);
      poke(h, block, size);
      h.free(block);
      expect(h.memory.bytes.subarray(block, block + size)).not.toContain(0x41);
      h.trim();
      const fresh = h.malloc(size);
      expect(h.memory.bytes.subarray(fresh, fresh + size).every((byte) => byte === 0xa5)).toBe(true);
    });

    test("of new is reported when it is freed by anything but delete, and of new[] by anything but delete[]", () => {
      const h = heap();
      const makers = [0, 1, 2];
      const make = (maker: number): number => (maker === 0 ? h.malloc(size) : h.guardNew(size, 0, maker));
      const release = (block: number, maker: number): void => {
        if (maker === 0) h.free(block);
        else h.guardDelete(block, size, 0, maker);
      };
      for (const maker of makers) {
        for (const other of makers) {
          const block = make(maker);
          if (other !== maker) {
            expect(misuse(() => release(block, other))).toMatchObject({ cause: Cause.WrongFunction, block, size });
          }
          release(block, maker);
        }
      }
    });
  });

  test("a block of 0 bytes may not be written to at all", () => {
    const h = heap();
    const block = h.malloc(0);
    expect(h.usableSize(block)).toBe(0);
    poke(h, block);
    expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.Overflow, block, size: 0, at: block });
  });

  test("what lies between the size that was asked for and the end of its class is guarded", () => {
    const h = heap();
    for (let size = 1; size <= 300; ++size) {
      const block = h.malloc(size);
      expect(h.usableSize(block)).toBe(size);
      poke(h, block + size);
      expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.Overflow, at: block + size });
    }
  });

  test.each([build.pageSize, build.granuleSize])(
    "a large block freed %i bytes behind its start is reported as that",
    (offset) => {
      const h = heap();
      const block = h.malloc(4 * build.pageSize);
      expect(misuse(() => h.free(block + offset))).toMatchObject({ cause: Cause.Interior, block, at: block + offset });
    },
  );

  test("a huge block freed a page behind its start is reported as that", () => {
    const h = heap();
    const block = h.malloc(HUGE);
    const inside = block + build.pageSize;
    expect(misuse(() => h.free(inside))).toMatchObject({ cause: Cause.Interior, block, at: inside });
  });

  test("a pointer that no heap handed out is reported as foreign", () => {
    const h = heap();
    const control = h.threadInit(0);
    h.malloc(SMALL);
    const foreign = h.memory.grow(1);
    for (const pointer of [foreign, foreign + 16, control, 2 ** 31, 16, 1, 2 ** 32 - 1]) {
      expect(misuse(() => h.free(pointer))).toMatchObject({ cause: Cause.Foreign, at: pointer });
      expect(misuse(() => h.realloc(pointer, 100))).toMatchObject({ cause: Cause.Foreign, at: pointer });
      expect(h.usableSize(pointer)).toBe(0);
    }
  });

  test("a pointer into a slab, of which no block has been handed out there yet, is reported", () => {
    const h = heap();
    const size = build.pageSize / 16;
    const block = h.malloc(size);
    const beyond = block + 4 * size;
    expect(misuse(() => h.free(beyond))).toMatchObject({ at: beyond });
  });

  test("memory in quarantine is used before memory is refused", () => {
    const h = RawHeap.create(build, (4 * MIB) / WASM_PAGE);
    const size = 100 * KIB;
    const blocks: number[] = [];
    for (let block = h.malloc(size); block !== 0; block = h.malloc(size)) blocks.push(block);
    for (const block of blocks) h.free(block);
    for (const _ of blocks) expect(h.malloc(size)).not.toBe(0);
  });

  test("the quarantine is bounded", () => {
    const h = heap();
    for (let n = 0; n < 20_000; ++n) h.free(h.malloc(2000));
    expect(h.stat(Stat.Committed)).toBeLessThan(8 * MIB);
    expect(h.stat(Stat.Live)).toBe(0);
  });

  test("what another thread does wrong is found as well", () => {
    if (!build.shared) return;
    const h = heap();
    const other = h.join(h.threadInit(0));
    const block = h.malloc(SMALL);
    other.free(block);
    expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree, block });
  });
});

describe.each(BUILDS.filter(({ guard, hardened }) => !guard && !hardened))("$name", (build) => {
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
