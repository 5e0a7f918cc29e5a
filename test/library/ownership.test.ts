/** Who owns a block: arrays that lose theirs where the heap cannot see it, and scopes. */

import { describe, expect, test } from "vitest";
import { attachHeap, createHeap } from "hakmem";
import { errorOf } from "./support/errors.js";

const KIB = 1024;
const MIB = 1024 * KIB;

describe("an array whose block was freed where the heap did not see it", () => {
  test.each(["by the module's own free", "in another thread"])("%s is not freed again", async (where) => {
    using heap = await createHeap({ shared: true, maximum: 64 * MIB });
    using other = attachHeap(heap.handle);
    const array = heap.alloc(Uint8Array, 100 * KIB);
    const pointer = heap.pointerOf(array);
    if (where === "in another thread") other.free(pointer);
    else (heap.exports["free"] as (pointer: number) => void)(pointer);
    const next = heap.alloc(Uint8Array, 100 * KIB);
    expect(heap.pointerOf(next)).toBe(pointer);
    expect(heap.owns(array)).toBe(false);
    expect(await errorOf(() => heap.free(array))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "array" });
    expect(await errorOf(() => heap.resize(array, 10))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT" });
    heap.free(next);
    expect(heap.malloc(100 * KIB)).not.toBe(heap.malloc(100 * KIB));
  });

  test("has none any more when it gave it up", async () => {
    using heap = await createHeap({ maximum: 64 * MIB });
    const array = heap.alloc(Uint8Array, 100);
    const pointer = heap.disown(array);
    expect(heap.owns(array)).toBe(false);
    expect(heap.owns(pointer)).toBe(true);
    expect(await errorOf(() => heap.disown(array))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT" });
    (heap.exports["free"] as (pointer: number) => void)(pointer);
    expect(heap.pointerOf(heap.alloc(Uint8Array, 100))).toBe(pointer);
  });
});

describe("a scope", () => {
  test("frees the rest when an array was freed already, or a block cannot be", async () => {
    using heap = await createHeap({ maximum: 64 * MIB, profile: "hardened" });
    const scope = heap.scope();
    const arrays = Array.from({ length: 10 }, () => scope.alloc(Uint8Array, 1000));
    heap.free(arrays[4]!);
    scope.end();
    expect(heap.stats().live).toBe(0);
  });

  test("knows its arrays by later views", async () => {
    using heap = await createHeap({ maximum: 64 * MIB });
    let kept;
    {
      using scope = heap.scope();
      const [kept0, freed0, resized0] = Array.from({ length: 3 }, () => scope.alloc(Uint8Array, 100));
      heap.malloc(8 * MIB);
      kept = scope.keep(heap.live(kept0!));
      scope.free(heap.live(freed0!));
      const resized = scope.resize(resized0!, 100 * KIB);
      expect(await errorOf(() => scope.free(kept))).toMatchObject({
        code: "HAKMEM_INVALID_ARGUMENT",
        argument: "block",
      });
      expect(heap.owns(resized)).toBe(true);
      scope.resize(resized, 10);
    }
    expect(heap.owns(kept)).toBe(true);
    heap.free(kept);
    expect(heap.stats().live).toBe(heap.usableSize(heap.malloc(0)) + 8 * MIB - heap.usableSize(heap.malloc(0)));
  });

  test("moves its blocks", async () => {
    using heap = await createHeap({ maximum: 64 * MIB });
    const scope = heap.scope();
    const moved = scope.realloc(scope.malloc(100), 10_000);
    const fresh = scope.realloc(0, 50);
    expect(await errorOf(() => scope.realloc(heap.malloc(20), 100))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT" });
    expect(moved).not.toBe(fresh);
    scope.end();
    expect(heap.stats().live).toBe(heap.usableSize(heap.malloc(20)));
  });

  test("that ends after its heap does nothing, so that the error that closed it is not hidden", async () => {
    const heap = await createHeap({ maximum: 64 * MIB, profile: "guard" });
    const error = await errorOf(() => {
      using scope = heap.scope();
      scope.malloc(5);
      const block = heap.malloc(10);
      heap.u8[block + 10] = 1;
      heap.free(block);
    });
    expect(error).toMatchObject({ code: "HAKMEM_HEAP_CORRUPTION" });
    expect(heap.closed).toBe(true);
  });
});

describe("what is asked for in advance", () => {
  test.each(["default", "compact", "hardened", "guard"] as const)("is there, profile %s", async (profile) => {
    using heap = await createHeap({ maximum: 64 * MIB, profile });
    heap.free(heap.malloc(3 * MIB));
    heap.reserve(16 * MIB);
    expect(heap.stats().free).toBeGreaterThanOrEqual(16 * MIB);
    const { committed } = heap.stats();
    for (let n = 0; n < 14; ++n) expect(heap.malloc(MIB - 4 * KIB)).not.toBe(0);
    expect(heap.stats().committed).toBe(committed);
    using began = await createHeap({ maximum: 64 * MIB, profile, initial: 16 * MIB });
    const taken = began.stats().committed;
    expect(taken).toBeGreaterThanOrEqual(16 * MIB);
    for (let n = 0; n < 14; ++n) expect(began.malloc(MIB - 4 * KIB)).not.toBe(0);
    expect(began.stats().committed).toBe(taken);
  });

  test("is not taken again where enough is free in pieces", async () => {
    using heap = await createHeap({ maximum: 256 * MIB });
    const blocks = Array.from({ length: 64 }, () => heap.malloc(MIB));
    for (let n = 0; n < 64; n += 2) heap.free(blocks[n]!);
    heap.trim();
    const { committed } = heap.stats();
    heap.reserve(24 * MIB);
    expect(heap.stats().committed).toBe(committed);
    heap.reserve(40 * MIB);
    expect(heap.stats().committed).toBeLessThan(committed + 12 * MIB);
  });

  test("may be all of the memory", async () => {
    using heap = await createHeap({ initial: 256 * MIB, maximum: 256 * MIB });
    expect(heap.stats().committed).toBe(256 * MIB);
  });
});

test("trim tells of its own thread alone", async () => {
  using heap = await createHeap({ shared: true, maximum: 64 * MIB });
  using other = attachHeap(heap.handle);
  const blocks = Array.from({ length: 4096 }, () => heap.malloc(1000));
  for (const block of blocks) other.free(block);
  other.trim();
  // What the other one sent home lies in this thread's slabs.
  expect(heap.trim()).toBe(true);
  expect(heap.trim()).toBe(false);
});

test("arguments of the wrong type are told by name, also where they are multiplied", async () => {
  using heap = await createHeap({ maximum: 64 * MIB });
  const invalid = { code: "HAKMEM_INVALID_ARGUMENT", argument: "length" };
  for (const length of [10n, Symbol("ten"), "10", {}]) {
    const wrong = length as unknown as number;
    expect(await errorOf(() => heap.alloc(Uint16Array, wrong))).toMatchObject(invalid);
    expect(await errorOf(() => heap.view(Uint16Array, 1024, wrong))).toMatchObject(invalid);
    expect(await errorOf(() => heap.readString(1024, wrong))).toMatchObject(invalid);
  }
  const options = { align: 64 } as unknown as { alignment: number };
  expect(await errorOf(() => heap.alloc(Uint8Array, 10, options))).toMatchObject({
    argument: "options",
    value: "align",
  });
  const refused = await createHeap({ base: 100_000, maximum: 100_000 }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "base" });
});

test("an array without elements is usable after the memory has grown", async () => {
  using heap = await createHeap({ maximum: 64 * MIB });
  const empty = heap.alloc(Uint8Array, 0);
  heap.malloc(8 * MIB);
  expect(heap.live(empty).fill(0).length).toBe(0);
});
