import { describe, expect, test } from "vitest";
import { createHeap } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

describe("freeAll", () => {
  test("frees what there is, keeps the memory, and can be repeated", async () => {
    using heap = await createHeap();
    let bytes = 0;
    for (let round = 0; round < 20; ++round) {
      for (let n = 0; n < 1000; ++n) heap.malloc(n);
      heap.alloc(Float64Array, 100_000).fill(1);
      heap.calloc(1, 4 * MIB);
      bytes ||= heap.memory.buffer.byteLength;
      heap.freeAll();
      expect(heap.stats()).toMatchObject({ live: 0, cached: 0, threads: 1 });
    }
    expect(heap.memory.buffer.byteLength).toBe(bytes);
    expect(heap.alloc(Uint8Array, 2 * MIB).every((byte) => byte === 0)).toBe(true);
  });

  test("takes arrays back, so that nobody can free them again", async () => {
    using heap = await createHeap();
    const array = heap.alloc(Uint8Array, 100);
    heap.freeAll();
    expect(heap.owns(array)).toBe(false);
    const next = heap.alloc(Uint8Array, 100);
    for (const call of [() => heap.free(array), () => heap.live(array), () => heap.resize(array, 200)]) {
      expect(await errorOf(call)).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "array" });
    }
    heap.free(next);
    expect(heap.stats().live).toBe(0);
  });

  test("ends scopes, which free nothing of what comes after it", async () => {
    using heap = await createHeap();
    const scope = heap.scope();
    const block = scope.malloc(100);
    heap.freeAll();
    expect(await errorOf(() => scope.malloc(16))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT" });
    expect(heap.malloc(100)).toBe(block);
    const { live } = heap.stats();
    scope.end();
    expect(heap.stats().live).toBe(live);
  });

  test("is refused by a shared heap, which stays as it is", async () => {
    using heap = await createHeap({ shared: true });
    heap.malloc(100);
    const { live } = heap.stats();
    expect(await errorOf(() => heap.freeAll())).toMatchObject({ code: "HAKMEM_HEAP_SHARED" });
    expect(heap.stats().live).toBe(live);
  });

  test("finds what was written beyond a block, with the guard profile", async () => {
    const heap = await createHeap({ profile: "guard" });
    const block = heap.malloc(10);
    heap.u8[block + 10] = 1;
    expect(await errorOf(() => heap.freeAll())).toMatchObject({ kind: "overflow" });
    expect(heap.closed).toBe(true);
  });
});
