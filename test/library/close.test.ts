import { expect, test } from "vitest";
import { createHeap, HeapClosedError, type Heap } from "hakmem";
import { errorOf } from "./support/errors.js";

test("closing ends the use of a heap, and closing again does nothing", async () => {
  const heap = await createHeap();
  expect(heap.closed).toBe(false);
  heap.close();
  expect(heap.closed).toBe(true);
  heap.close();
  expect(heap.closed).toBe(true);
});

test("`using` closes a heap at the end of its block", async () => {
  let seen: Heap;
  {
    using heap = await createHeap();
    seen = heap;
    expect(seen.closed).toBe(false);
  }
  expect(seen.closed).toBe(true);
});

test.each<[name: string, call: (heap: Heap, array: Uint8Array) => unknown]>([
  ["malloc", (heap) => heap.malloc(1)],
  ["free", (heap) => heap.free(16)],
  ["free of a typed array", (heap, array) => heap.free(array)],
  ["calloc", (heap) => heap.calloc(1, 1)],
  ["realloc", (heap) => heap.realloc(0, 1)],
  ["alignedAlloc", (heap) => heap.alignedAlloc(16, 1)],
  ["usableSize", (heap) => heap.usableSize(16)],
  ["alloc", (heap) => heap.alloc(Uint8Array, 1)],
  ["allocUnsafe", (heap) => heap.allocUnsafe(Uint8Array, 1)],
  ["live", (heap, array) => heap.live(array)],
  ["pointerOf", (heap, array) => heap.pointerOf(array)],
  ["view", (heap) => heap.view(Uint8Array, 16, 1)],
  ["u8", (heap) => heap.u8],
  ["data", (heap) => heap.data],
  ["stats", (heap) => heap.stats()],
  ["trim", (heap) => heap.trim()],
  ["prewarm", (heap) => heap.prewarm(16, 1)],
  ["reclaim", (heap) => heap.reclaim(2)],
  ["handle", (heap) => heap.handle],
])("a closed heap refuses %s", async (_, call) => {
  for (const shared of [false, true]) {
    const heap = await createHeap({ shared });
    const array = heap.alloc(Uint8Array, 16);
    heap.close();
    const error = await errorOf(() => call(heap, array));
    expect(error).toBeInstanceOf(HeapClosedError);
    expect(error.code).toBe("HAKMEM_HEAP_CLOSED");
    expect(error.cause).toBeUndefined();
  }
});
