import { beforeEach, describe, expect, test } from "vitest";
import { createHeap, type Heap, type HeapScope } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

describe("a scope", () => {
  let heap: Heap;
  let before: number;

  beforeEach(async () => {
    heap = await createHeap({ maximum: 64 * MIB });
    before = heap.stats().live;
  });

  test("frees all that was allocated through it when it ends", () => {
    {
      using scope = heap.scope();
      scope.malloc(100);
      scope.calloc(10, 1000);
      scope.alignedAlloc(4096, 100_000);
      scope.alloc(Float64Array, 100, { alignment: 64 });
      scope.allocUnsafe(Uint8Array, 3 * MIB);
      scope.allocString("text");
      expect(heap.stats().live).toBeGreaterThan(before + 3 * MIB);
    }
    expect(heap.stats().live).toBe(before);
  });

  test("ends with its block also when that throws, and scopes lie in each other", () => {
    expect(() => {
      using outer = heap.scope();
      outer.malloc(100);
      using inner = heap.scope();
      inner.malloc(100);
      throw new Error("thrown");
    }).toThrow("thrown");
    expect(heap.stats().live).toBe(before);
  });

  test("leaves what was taken out of it, and frees what it is told to at once", () => {
    let array: Uint8Array;
    {
      using scope = heap.scope();
      array = scope.keep(scope.alloc(Uint8Array, 100));
      const block = scope.malloc(100_000);
      scope.free(block);
    }
    expect(heap.owns(array)).toBe(true);
    heap.free(array);
    expect(heap.stats().live).toBe(before);
  });

  test("passes on that there is no memory", async () => {
    using scope = heap.scope();
    expect(scope.malloc(100 * MIB)).toBe(0);
    expect(await errorOf(() => scope.alloc(Uint8Array, 100 * MIB))).toMatchObject({ code: "HAKMEM_OUT_OF_MEMORY" });
  });

  test.each<[string, (scope: HeapScope) => unknown]>([
    ["keep what is not its own", (scope) => scope.keep(16)],
    ["free what is not its own", (scope) => scope.free(heap.malloc(16))],
    [
      "be used when it has ended",
      (scope) => {
        scope.end();
        scope.end();
        return scope.malloc(16);
      },
    ],
  ])("cannot %s", async (_, call) => {
    const scope = heap.scope();
    expect(await errorOf(() => call(scope))).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT" });
  });
});
