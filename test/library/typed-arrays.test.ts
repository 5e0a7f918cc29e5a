import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHeap, OutOfMemoryError, type Heap, type TypedArray, type TypedArrayConstructor } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

/** Allocates until the memory has grown, and returns what it took. */
function grow(heap: Heap): number[] {
  const before = heap.memory.buffer.byteLength;
  const blocks: number[] = [];
  while (heap.memory.buffer.byteLength === before) blocks.push(heap.malloc(MIB));
  return blocks;
}

describe.each([{ shared: false }, { shared: true }])("a typed array of a heap with shared: $shared", ({ shared }) => {
  let heap: Heap;

  beforeEach(async () => {
    heap = await createHeap({ shared, maximum: 64 * MIB });
  });
  afterEach(() => {
    heap.close();
  });

  test.each<TypedArrayConstructor<TypedArray>>([
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ])("can be any: %o", (type) => {
    const array = heap.alloc(type, 10);
    expect(array).toBeInstanceOf(type);
    expect(array).toHaveLength(10);
    expect(array.buffer).toBe(heap.memory.buffer);
    heap.free(array);
  });

  test("begins with zeros, also in memory that was used before", () => {
    const used = heap.alloc(Uint32Array, 1000).fill(7);
    heap.free(used);
    expect(heap.alloc(Uint32Array, 1000).every((element) => element === 0)).toBe(true);
  });

  test("may begin with anything when allocated unsafely", () => {
    const array = heap.allocUnsafe(Float64Array, 100).fill(1.5);
    expect(array.every((element) => element === 1.5)).toBe(true);
    expect(array).toHaveLength(100);
  });

  test("gives its block back when it is freed", () => {
    const before = heap.stats().live;
    const array = heap.alloc(Float32Array, 1000);
    expect(heap.stats().live).toBeGreaterThanOrEqual(before + 4000);
    heap.free(array);
    expect(heap.stats().live).toBe(before);
  });

  test("can be empty and is freed like any other", () => {
    const before = heap.stats().live;
    const array = heap.alloc(Float32Array, 0);
    expect(array).toHaveLength(0);
    heap.free(array);
    expect(heap.stats().live).toBe(before);
  });

  test("keeps its elements through growth, by way of live", () => {
    const array = heap.alloc(Float32Array, 100).map((_, i) => i);
    const kept = heap.alloc(Float32Array, 100);
    kept.set(array);
    grow(heap);
    expect([...heap.live(kept)]).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(heap.live(kept)).toBeInstanceOf(Float32Array);
  });

  test("is its own live view while the memory does not grow", () => {
    const array = heap.alloc(Uint8Array, 100);
    expect(heap.live(array)).toBe(array);
  });

  test("has one live view, whichever earlier view is asked", () => {
    const first = heap.alloc(Uint8Array, 100);
    grow(heap);
    const second = heap.live(first);
    grow(heap);
    const third = heap.live(second);
    expect(heap.live(first)).toBe(third);
    expect(third).toHaveLength(100);
  });

  test("can be freed by the view from before the growth", () => {
    const before = heap.stats().live;
    const array = heap.alloc(Uint8Array, 100);
    for (const block of grow(heap)) heap.free(block);
    heap.free(array);
    expect(heap.stats().live).toBe(before);
  });

  test("has an address that growth does not change", () => {
    const array = heap.alloc(Uint8Array, 100);
    const pointer = heap.pointerOf(array);
    expect(pointer).toBe(array.byteOffset);
    grow(heap);
    expect(heap.pointerOf(array)).toBe(pointer);
  });

  test("can be freed once only", async () => {
    const array = heap.alloc(Uint8Array, 100);
    grow(heap);
    const later = heap.live(array);
    heap.free(array);
    for (const call of [
      () => heap.free(array),
      () => heap.free(later),
      () => heap.live(array),
      () => heap.pointerOf(later),
    ]) {
      const error = await errorOf(call);
      expect(error).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "array" });
      expect(error.message).toContain("not freed yet");
    }
  });

  test("cannot be freed by a part of it", async () => {
    const array = heap.alloc(Uint8Array, 100);
    expect(await errorOf(() => heap.free(array.subarray(16)))).toMatchObject({ argument: "array" });
    expect(heap.live(array)).toBe(array);
  });

  test("cannot be freed by another heap", async () => {
    const array = heap.alloc(Uint8Array, 100);
    const other = await createHeap({ shared, maximum: 64 * MIB });
    expect(await errorOf(() => other.free(array))).toMatchObject({ argument: "array", value: array });
    other.close();
  });

  test("is refused with an error when memory is exhausted", async () => {
    const error = await errorOf(() => heap.alloc(Float64Array, 16 * MIB));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toMatchObject({ code: "HAKMEM_OUT_OF_MEMORY", argument: "length", value: 16 * MIB });
  });

  test.each([-1, 1.5, NaN, 2 ** 30, "10", undefined])("cannot have the length %s", async (length) => {
    for (const call of [
      () => heap.alloc(Float32Array, length as number),
      () => heap.allocUnsafe(Float32Array, length as number),
      () => heap.view(Float32Array, 1024, length as number),
    ]) {
      expect(await errorOf(call)).toMatchObject({
        code: "HAKMEM_INVALID_ARGUMENT",
        argument: "length",
        value: length,
      });
    }
  });

  test.each([Array, DataView, ArrayBuffer, "Float32Array", undefined, new Float32Array(1)])(
    "cannot be made by %o",
    async (type) => {
      expect(await errorOf(() => heap.alloc(type as unknown as Float32ArrayConstructor, 1))).toMatchObject({
        code: "HAKMEM_INVALID_ARGUMENT",
        argument: "type",
        value: type,
      });
    },
  );

  test("can be a view of part of a block, which frees nothing", () => {
    const block = heap.malloc(64);
    const view = heap.view(Int16Array, block + 2, 4);
    view[0] = -5;
    expect(heap.i16[(block + 2) >>> 1]).toBe(-5);
    expect(view.byteOffset).toBe(block + 2);
  });

  test("is refused over the pointer 0, which stands for exhaustion", async () => {
    expect(await errorOf(() => heap.view(Uint8Array, 0, 1))).toMatchObject({ argument: "pointer", value: 0 });
  });

  test("is refused over a pointer that its elements cannot lie at", async () => {
    const pointer = heap.malloc(64) + 2;
    expect(await errorOf(() => heap.view(Float32Array, pointer, 1))).toMatchObject({
      argument: "pointer",
      value: pointer,
    });
  });

  test("is refused beyond the end of the memory", async () => {
    const { byteLength } = heap.memory.buffer;
    expect(heap.view(Uint8Array, byteLength - 16, 16)).toHaveLength(16);
    expect(await errorOf(() => heap.view(Uint8Array, byteLength - 16, 17))).toMatchObject({ argument: "length" });
  });
});
