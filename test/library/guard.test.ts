import { beforeEach, describe, expect, test } from "vitest";
import { createHeap, HeapClosedError, HeapCorruptionError, type Heap } from "hakmem";
import { errorOf } from "./support/errors.js";

describe.each([{ shared: false }, { shared: true }])("the guard profile with shared: $shared", ({ shared }) => {
  let heap: Heap;

  beforeEach(async () => {
    heap = await createHeap({ profile: "guard", shared });
  });

  test("finds a block that is freed twice, and names it", async () => {
    const block = heap.malloc(100);
    heap.free(block);
    const error = await errorOf(() => heap.free(block));
    expect(error).toBeInstanceOf(HeapCorruptionError);
    expect(error).toMatchObject({ code: "HAKMEM_HEAP_CORRUPTION", kind: "double free", pointer: block });
    expect(error.message).toContain(`0x${block.toString(16).padStart(8, "0")}`);
  });

  test("finds a pointer that no heap handed out", async () => {
    const block = heap.malloc(100);
    const error = await errorOf(() => heap.free(block + (1 << 30)));
    expect(error).toMatchObject({ kind: "foreign pointer", pointer: block + (1 << 30) });
  });

  test("finds a pointer into the middle of a block", async () => {
    const block = heap.malloc(100);
    const error = await errorOf(() => heap.free(block + 16));
    expect(error).toMatchObject({ kind: "interior pointer", pointer: block + 16 });
  });

  test("finds a block that was written to after it was freed, when the heap is closed at the latest", async () => {
    const block = heap.malloc(100);
    heap.free(block);
    heap.u8[block + 50] = 1;
    const error = await errorOf(() => {
      heap.close();
    });
    expect(error).toMatchObject({ kind: "use after free", block, size: 100, pointer: block + 50 });
    expect(error.message).toContain("0x01");
  });

  test("finds a write beyond what was asked for, and says how far", async () => {
    const block = heap.malloc(100);
    heap.u8[block + 102] = 0x7b;
    const error = await errorOf(() => {
      heap.free(block);
    });
    expect(error).toMatchObject({ kind: "overflow", block, size: 100, pointer: block + 102 });
    expect(error.message).toContain("100 bytes");
    expect(error.message).toContain("3 bytes beyond its end");
    expect(error.message).toContain("0x7b");
  });

  test("finds a write beyond the end of a typed array over part of a block", async () => {
    const array = heap.alloc(Float64Array, 10);
    heap.view(Float64Array, heap.pointerOf(array), 11)[10] = 1;
    expect(await errorOf(() => heap.free(array))).toMatchObject({ kind: "overflow", size: 80 });
  });

  test("finds a write before a block", async () => {
    const block = heap.malloc(100);
    heap.u8[block - 1] = 0;
    const error = await errorOf(() => {
      heap.realloc(block, 200);
    });
    expect(error).toMatchObject({ kind: "underflow", block });
    expect(error.message).toContain("1 byte before its beginning");
  });

  test("closes the heap, and remembers why", async () => {
    const block = heap.malloc(100);
    heap.free(block);
    const first = await errorOf(() => heap.free(block));
    expect(heap.closed).toBe(true);
    const later = await errorOf(() => heap.malloc(16));
    expect(later).toBeInstanceOf(HeapClosedError);
    expect(later.cause).toBe(first);
    expect(later.message).toContain("double free");
    heap.close();
  });

  test("leaves the memory to be looked at", async () => {
    const block = heap.malloc(100);
    const other = heap.malloc(100);
    heap.u8[other] = 5;
    heap.free(block);
    await errorOf(() => heap.free(block));
    expect(new Uint8Array(heap.memory.buffer)[other]).toBe(5);
  });

  test("says nothing about a program that is right", () => {
    const blocks = Array.from({ length: 100 }, (_, i) => heap.malloc(i * 10));
    for (const block of blocks) heap.free(block);
    heap.close();
    expect(heap.closed).toBe(true);
  });
});
