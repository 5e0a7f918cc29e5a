import { describe, expect, test } from "vitest";
import { buildsWhere } from "./support/builds.js";
import { misuse } from "./support/misuse.js";
import { Cause, Kind, RawHeap } from "./support/raw-heap.js";

const SMALL = 100;
const LARGE = 100 * 1024;
const HUGE = 3 * 1024 * 1024;

describe.each(buildsWhere(({ hardened }) => hardened))("$name", (build) => {
  const heap = (): RawHeap => RawHeap.create(build);

  test("a small block that is freed twice is reported at once, also with others between, and from its slab", () => {
    const h = heap();
    const blocks = Array.from({ length: 20 }, () => h.malloc(SMALL));
    for (const block of blocks) h.free(block);
    for (const block of blocks) expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree, block });
    h.trim();
    // The slab that is left of the class keeps its marks.
    const kept = h.malloc(SMALL);
    h.free(kept);
    h.trim();
    expect(misuse(() => h.free(kept)).cause).toBeDefined();
  });

  test("a small block that is freed by another thread, and again by its own, is reported", () => {
    const h = heap();
    const other = h.join(h.threadInit(0));
    const block = h.malloc(SMALL);
    other.free(block);
    expect(misuse(() => h.free(block))).toMatchObject({ cause: Cause.DoubleFree, block });
  });

  test("a small block that was never handed out is reported when it is freed", () => {
    const h = heap();
    const block = h.malloc(SMALL);
    const size = h.usableSize(block);
    const [free] = [block + size, block - size].filter((address) => h.kind(address) === h.kind(block));
    expect(misuse(() => h.free(free!))).toMatchObject({ cause: Cause.DoubleFree, block: free });
  });

  test("a block that is freed, resized and freed is reported", () => {
    const h = heap();
    const block = h.malloc(SMALL);
    h.free(block);
    expect(misuse(() => h.realloc(block, 5000))).toMatchObject({ cause: Cause.DoubleFree, block });
  });

  test("a program may write anything to its blocks, and free them once", () => {
    const h = heap();
    for (const byte of [0x00, 0xff, 0x41]) {
      const blocks = Array.from({ length: 3000 }, () => h.malloc(SMALL));
      for (const block of blocks) h.memory.bytes.fill(byte, block, block + SMALL);
      for (const block of blocks) h.free(block);
    }
  });

  test("a block that keeps what it held when it was free may be freed", () => {
    const h = heap();
    const block = h.malloc(SMALL);
    h.free(block);
    const held = h.memory.bytes.slice(block, block + SMALL);
    const again = h.malloc(SMALL);
    expect(again).toBe(block);
    h.free(again);
    expect(h.memory.bytes.slice(block, block + SMALL)).toEqual(held);
  });

  test("a link that was written to is reported before it leads anywhere", () => {
    for (const value of [0x41, 0x00, 0xff]) {
      const h = heap();
      const [first, second] = [h.malloc(SMALL), h.malloc(SMALL)];
      h.free(first);
      h.free(second);
      h.memory.bytes.fill(value, second, second + 8);
      expect(misuse(() => [h.malloc(SMALL), h.malloc(SMALL)])).toMatchObject({
        cause: Cause.BrokenLink,
        block: second,
      });
    }
  });

  test("a pointer into a block of any class that is freed or resized is reported at once", () => {
    const h = heap();
    const reported = (block: number, at: number): void => {
      expect(misuse(() => h.free(at))).toMatchObject({ cause: Cause.Interior, block, at });
      expect(misuse(() => h.realloc(at, 1))).toMatchObject({ cause: Cause.Interior, block, at });
    };
    for (let size = 17; size < LARGE / 4; size += 1 + (size >> 2)) {
      // Enough to reach the second page of its slab, if it has one.
      const blocks = Array.from({ length: 9 }, () => h.malloc(size));
      for (const block of blocks) for (const behind of [1, 8, 16, size - 1]) reported(block, block + behind);
      for (const block of blocks) h.free(block);
    }
  });

  test.each([LARGE, HUGE])(
    "a block of %i bytes that is freed or resized twice, or by a pointer into it, is reported",
    (size) => {
      const h = heap();
      const block = h.malloc(size);
      const inside = h.kind(block) === Kind.Large ? Cause.Interior : Cause.NotABlock;
      expect(misuse(() => h.free(block + 4096)).cause).toBe(inside);
      expect(misuse(() => h.free(block + 16)).cause).toBe(inside);
      h.free(block);
      expect(misuse(() => h.free(block)).cause).toBe(Cause.NotABlock);
      expect(misuse(() => h.realloc(block, size)).cause).toBe(Cause.NotABlock);
    },
  );

  test("what is left behind the last block of a slab is no block", () => {
    const h = heap();
    const size = 48;
    const blocks = Array.from({ length: (3 * build.pageSize) / size }, () => h.malloc(size));
    const pages = new Set(blocks.map((block) => Math.floor(block / build.pageSize)));
    const capacity = Math.floor(build.pageSize / size);
    const full = [...pages].filter(
      (page) => blocks.filter((block) => Math.floor(block / build.pageSize) === page).length === capacity,
    );
    expect(full.length).toBeGreaterThan(0);
    for (const page of full) expect(misuse(() => h.free(page * build.pageSize + capacity * size)).cause).toBeDefined();
  });

  test("blocks are handed out in no order of addresses", () => {
    const h = heap();
    const blocks = Array.from({ length: 64 }, () => h.malloc(16));
    const steps = blocks.slice(1).map((block, n) => block - blocks[n]!);
    expect(steps.filter((step) => step === 16).length).toBeLessThan(32);
  });
});
