/** What becomes of typed arrays: longer ones, aligned ones, those that are freed by their address or not at all. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attachHeap, createHeap, OutOfMemoryError, type Heap, type TypedArray } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;
const FREED = { code: "HAKMEM_INVALID_ARGUMENT", argument: "array" };

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe.each([{ shared: false }, { shared: true }])("an array of a heap with shared: $shared", ({ shared }) => {
  let heap: Heap;

  beforeEach(async () => {
    heap = await createHeap({ shared, maximum: 64 * MIB });
  });
  afterEach(() => {
    heap.close();
  });

  test.each([16, 32, 64, 4096, 1 << 20])("begins at a multiple of %i, with zeros", (alignment) => {
    heap.free(heap.alloc(Uint32Array, 5000).fill(7));
    const array = heap.alloc(Uint32Array, 1000, { alignment });
    expect(heap.pointerOf(array) % alignment).toBe(0);
    expect(array.every((element) => element === 0)).toBe(true);
    expect(heap.alloc(BigInt64Array, 3, { alignment })[2]).toBe(0n);
    expect(heap.pointerOf(heap.allocUnsafe(Int8Array, 3, { alignment })) % alignment).toBe(0);
  });

  test.each([0, 24, -16, "64"])("cannot have the alignment %s", async (alignment) => {
    const call = (): TypedArray => heap.alloc(Uint8Array, 1, { alignment: alignment as number });
    expect(await errorOf(call)).toMatchObject({ argument: "alignment", value: alignment });
  });

  test("can be made longer and shorter, keeps its elements, and gets zeros", () => {
    let array = heap.alloc(Uint16Array, 10).map((_, i) => i + 1);
    let owned = heap.alloc(Uint16Array, 10);
    owned.set(array);
    const before = heap.stats().live;
    for (const length of [20, 5, 100_000, 3, 0, 40]) {
      const longest = Math.min(array.length, length);
      const earlier = owned;
      owned = heap.resize(owned, length);
      expect(owned).toHaveLength(length);
      expect([...owned.subarray(0, longest)]).toEqual([...array.subarray(0, longest)]);
      expect(owned.subarray(longest).every((element) => element === 0)).toBe(true);
      expect(heap.live(earlier)).toBe(owned);
      array = owned.slice();
    }
    heap.free(owned);
    expect(heap.stats().live).toBeLessThan(before);
  });

  test("stays as it is when there is no room for a longer one", async () => {
    const array = heap.alloc(Uint8Array, 100).fill(9);
    expect(await errorOf(() => heap.resize(array, 100 * MIB))).toBeInstanceOf(OutOfMemoryError);
    expect(heap.live(array).every((element) => element === 9)).toBe(true);
    heap.free(array);
  });

  test("that was freed cannot be resized", async () => {
    const array = heap.alloc(Uint8Array, 100);
    heap.free(array);
    expect(await errorOf(() => heap.resize(array, 10))).toMatchObject(FREED);
  });

  test.each([
    ["freed", (h: Heap, pointer: number) => h.free(pointer)],
    ["moved", (h: Heap, pointer: number) => h.realloc(pointer, 100_000)],
    ["resized in place", (h: Heap, pointer: number) => h.realloc(pointer, 100)],
  ])("whose block was %s by its address cannot be freed again, whoever has the address now", async (_, take) => {
    const array = heap.alloc(Uint8Array, 100);
    take(heap, heap.pointerOf(array));
    const others = Array.from({ length: 10 }, () => heap.alloc(Uint8Array, 100));
    expect(await errorOf(() => heap.free(array))).toMatchObject(FREED);
    expect(await errorOf(() => heap.pointerOf(array))).toMatchObject(FREED);
    expect(heap.owns(array)).toBe(false);
    for (const other of others) heap.free(other);
  });

  test("whose block cannot be moved is still an array", () => {
    const array = heap.alloc(Uint8Array, 100);
    expect(heap.realloc(heap.pointerOf(array), 100 * MIB)).toBe(0);
    heap.free(array);
  });

  test("many of them, freed this way and that, in any order", () => {
    const before = heap.stats().live;
    const arrays = Array.from({ length: 5000 }, (_, i) => heap.alloc(Uint8Array, (i * 37) % 300));
    for (const [i, array] of arrays.entries()) if (i % 3 === 0) heap.free(heap.pointerOf(array));
    for (const [i, array] of arrays.entries()) if (i % 3 === 1) heap.free(array);
    expect(arrays.map((array) => heap.owns(array))).toEqual(arrays.map((_, i) => i % 3 === 2));
    for (const array of arrays) if (heap.owns(array)) heap.free(array);
    expect(heap.stats().live).toBe(before);
  });

  test("is owned by the heap that made it, and its address too", async () => {
    using other = await createHeap({ shared, maximum: 64 * MIB });
    for (const length of [10, 100_000, 4 * MIB]) {
      const array = heap.alloc(Uint8Array, length);
      const pointer = heap.pointerOf(array);
      expect([heap.owns(array), heap.owns(pointer), other.owns(array)]).toEqual([true, true, false]);
      heap.free(array);
      expect(heap.owns(array)).toBe(false);
    }
    expect([0, 1, 48 * MIB, -16, 1.5, NaN].map((address) => heap.owns(address))).toEqual(Array(6).fill(false));
  });

  test("of halves can be made where the language has them", async () => {
    const { Float16Array } = globalThis as { Float16Array?: Parameters<Heap["alloc"]>[0] };
    if (Float16Array === undefined) expect(await errorOf(() => heap.f16)).toMatchObject({ code: "HAKMEM_UNSUPPORTED" });
    else expect(heap.alloc(Float16Array, 10)).toBeInstanceOf(Float16Array);
  });
});

describe("arrays that were garbage-collected", () => {
  /** Lets garbage be collected until the heap has so few live bytes; false when it never has. */
  async function settles(heap: Heap, live: number): Promise<boolean> {
    for (let n = 0; n < 50 && heap.stats().live > live; n++) {
      collectGarbage();
      await sleep(10);
    }
    return heap.stats().live <= live;
  }

  test("are released where the heap was asked to, in each thread's own heap", async () => {
    using heap = await createHeap({ shared: true, maximum: 64 * MIB, releaseCollected: true });
    using attached = attachHeap(heap.handle, { releaseCollected: true });
    const before = heap.stats().live;
    const kept = heap.alloc(Uint8Array, 1000).fill(3);
    const { live } = heap.stats();
    for (let n = 0; n < 100; n++) {
      heap.alloc(Uint8Array, 10_000);
      attached.resize(attached.alloc(Uint8Array, 10_000), 20_000);
    }
    expect(await settles(heap, live)).toBe(true);
    expect(kept.every((element) => element === 3)).toBe(true);
    heap.free(kept);
    expect(heap.stats().live).toBe(before);
  });

  test("are not released while any view of theirs is alive, nor when their address was freed", async () => {
    using heap = await createHeap({ maximum: 64 * MIB, releaseCollected: true });
    const held: { array?: Uint8Array; renewed?: Uint8Array } = { array: heap.alloc(Uint8Array, 1000).fill(5) };
    while (held.array!.length > 0) heap.malloc(MIB);
    held.renewed = heap.live(held.array!);
    const { live } = heap.stats();
    delete held.array;
    for (let n = 0; n < 5; n++) {
      collectGarbage();
      await sleep(10);
    }
    expect(held.renewed.every((element) => element === 5)).toBe(true);
    expect(heap.stats().live).toBe(live);
    heap.free(heap.pointerOf(held.renewed));
    const block = heap.malloc(1000);
    heap.u8.fill(6, block, block + 1000);
    delete held.renewed;
    collectGarbage();
    await sleep(50);
    expect(heap.u8.subarray(block, block + 1000).every((element) => element === 6)).toBe(true);
    expect(heap.stats().live).toBe(live);
  });

  test("stay where nothing was asked, and where the heap is closed", async () => {
    const heap = await createHeap({ maximum: 64 * MIB });
    heap.alloc(Uint8Array, 100_000);
    const { live } = heap.stats();
    collectGarbage();
    await sleep(50);
    expect(heap.stats().live).toBe(live);
    heap.close();
    const other = await createHeap({ maximum: 64 * MIB, releaseCollected: true });
    other.alloc(Uint8Array, 100_000);
    other.close();
    collectGarbage();
    await sleep(50);
  });
});
