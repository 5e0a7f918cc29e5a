import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHeap, InvalidArgumentError, type Heap } from "hakmem";
import { errorOf } from "./support/errors.js";

const KIB = 1024;
const MIB = 1024 * KIB;

describe.each([{ shared: false }, { shared: true }])("a heap with shared: $shared", ({ shared }) => {
  let heap: Heap;

  beforeEach(async () => {
    heap = await createHeap({ shared, maximum: 64 * MIB });
  });
  afterEach(() => {
    heap.close();
  });

  test("hands out blocks that do not overlap", () => {
    const sizes = [1, 16, 100, 1000, 40 * KIB, 3 * MIB];
    const blocks = sizes.map((size) => ({ pointer: heap.malloc(size), size }));
    for (const [i, { pointer, size }] of blocks.entries()) heap.view(Uint8Array, pointer, size).fill(i + 1);
    for (const [i, { pointer, size }] of blocks.entries()) {
      expect(heap.view(Uint8Array, pointer, size).every((byte) => byte === i + 1)).toBe(true);
    }
  });

  test("aligns every block to 16 bytes", () => {
    for (const size of [0, 1, 8, 24, 100, 5000, 100_000]) expect(heap.malloc(size) % 16).toBe(0);
  });

  test("gives malloc(0) a pointer of its own each time", () => {
    const pointers = [heap.malloc(0), heap.malloc(0)];
    expect(pointers).not.toContain(0);
    expect(new Set(pointers).size).toBe(2);
  });

  test("uses a freed block again", () => {
    const before = heap.malloc(48);
    heap.free(before);
    const after = Array.from({ length: 4 }, () => heap.malloc(48));
    expect(after).toContain(before);
  });

  test("clears what calloc returns", () => {
    const dirty = heap.malloc(400);
    heap.view(Uint8Array, dirty, 400).fill(255);
    heap.free(dirty);
    const clean = heap.calloc(100, 4);
    expect(heap.view(Uint8Array, clean, 400).every((byte) => byte === 0)).toBe(true);
  });

  test("answers 0 when the product of calloc's arguments exceeds 32 bits", () => {
    expect(heap.calloc(65_536, 65_537)).toBe(0);
  });

  test("keeps the contents when realloc moves a block", () => {
    const small = heap.malloc(100);
    heap.view(Uint8Array, small, 100).forEach((_, i, bytes) => (bytes[i] = i));
    const large = heap.realloc(small, 2 * MIB);
    expect(large).not.toBe(0);
    expect(heap.view(Uint8Array, large, 100).every((byte, i) => byte === i)).toBe(true);
  });

  test("allocates when realloc is given the pointer 0", () => {
    const pointer = heap.realloc(0, 100);
    expect(heap.usableSize(pointer)).toBeGreaterThanOrEqual(100);
  });

  test.each([16, 64, 4096, 65_536])("aligns to %i bytes on request", (alignment) => {
    const pointer = heap.alignedAlloc(alignment, 100);
    expect(pointer).not.toBe(0);
    expect(pointer % alignment).toBe(0);
  });

  test("tells how much a block can hold", () => {
    expect(heap.usableSize(heap.malloc(1000))).toBeGreaterThanOrEqual(1000);
  });

  test("finds no block at an address that it never handed out", () => {
    heap.malloc(16);
    expect(heap.usableSize(64 * MIB - 16)).toBe(0);
    expect(heap.usableSize(0)).toBe(0);
  });

  test("answers 0 when memory is exhausted, and serves again after blocks are freed", () => {
    const blocks: number[] = [];
    for (let block; (block = heap.malloc(MIB)) !== 0;) blocks.push(block);
    expect(blocks.length).toBeGreaterThan(32);
    expect(heap.malloc(MIB)).toBe(0);
    for (const block of blocks) heap.free(block);
    expect(heap.malloc(MIB)).not.toBe(0);
  });

  test("answers 0 for a size that 32 bits can express and no memory can hold", () => {
    expect(heap.malloc(0xffff_ffff)).toBe(0);
    expect(heap.alignedAlloc(64, 0xffff_ffff)).toBe(0);
    expect(heap.realloc(heap.malloc(8), 0xffff_ffff)).toBe(0);
  });

  test("ignores free(0)", () => {
    const before = heap.stats().live;
    heap.free(0);
    expect(heap.stats().live).toBe(before);
  });

  test("ignores a foreign pointer, and writes nothing through it", () => {
    const held = heap.malloc(64);
    const foreign = 64 * MIB - 4096;
    heap.free(foreign);
    heap.free(0xffff_fff0);
    expect(heap.malloc(64)).not.toBe(foreign);
    expect(heap.usableSize(held)).toBeGreaterThanOrEqual(64);
  });

  const BAD_NUMBERS = [-1, 1.5, NaN, Infinity, 2 ** 32, "16", 16n, null, undefined, {}, Symbol("size")];

  test.each(BAD_NUMBERS)("refuses the size %s", async (size) => {
    const bad = size as number;
    for (const call of [
      () => heap.malloc(bad),
      () => heap.calloc(1, bad),
      () => heap.realloc(0, bad),
      () => heap.alignedAlloc(16, bad),
      () => heap.prewarm(bad, 1),
    ]) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "size", value: size });
    }
  });

  test.each(BAD_NUMBERS)("refuses the pointer %s", async (pointer) => {
    const bad = pointer as number;
    expect(await errorOf(() => heap.free(bad))).toMatchObject({ argument: "block", value: pointer });
    for (const call of [() => heap.realloc(bad, 1), () => heap.usableSize(bad), () => heap.view(Uint8Array, bad, 1)]) {
      expect(await errorOf(call)).toMatchObject({
        code: "HAKMEM_INVALID_ARGUMENT",
        argument: "pointer",
        value: pointer,
      });
    }
  });

  test.each([0, 3, 48, -16, 1.5, "16", 2 ** 32])("refuses the alignment %s", async (alignment) => {
    expect(await errorOf(() => heap.alignedAlloc(alignment as number, 16))).toMatchObject({
      code: "HAKMEM_INVALID_ARGUMENT",
      argument: "alignment",
      value: alignment,
    });
  });

  test.each([
    ["8", "Convert it with Number(…)."],
    [8n, "Convert it with Number(…)."],
    [undefined, "Pass a number."],
    [1.5, "Round sizes that are computed, and check them before the call."],
  ])("says what to do about the size %o", async (size, remedy) => {
    expect((await errorOf(() => heap.malloc(size as number))).remedy).toBe(remedy);
  });

  test("says what was wrong, with the value, and what to do", async () => {
    const { message, remedy } = await errorOf(() => heap.malloc(-1));
    expect(message).toMatch(/^size must be .*, but it is -1\. /);
    expect(message.endsWith(remedy)).toBe(true);
  });
});
