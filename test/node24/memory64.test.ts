import { describe, expect, test } from "vitest";
import { attachHeap, createHeap } from "hakmem";
import { errorOf } from "../library/support/errors.js";

const GIB = 2 ** 30;

describe.each([{ shared: false }, { shared: true }])(
  "a heap over a 64-bit memory with shared: $shared",
  ({ shared }) => {
    test("reaches beyond 4 GiB", async () => {
      using heap = await createHeap({ memory64: true, shared });
      const block = heap.malloc(5 * GIB);
      const next = heap.malloc(100);
      expect(heap.usableSize(block)).toBeGreaterThanOrEqual(5 * GIB);
      const last = heap.view(Uint8Array, block + 5 * GIB - 1, 1);
      last[0] = 5;
      expect(heap.u8[block + 5 * GIB - 1]).toBe(5);
      expect(heap.stats().live).toBeGreaterThan(5 * GIB);
      heap.free(block);
      heap.free(next);
      expect(heap.stats().live).toBe(0);
    });

    test("has every call of a 32-bit one", async () => {
      using heap = await createHeap({ memory64: true, shared });
      const block = heap.realloc(heap.calloc(10, 10), 1000);
      const aligned = heap.alignedAlloc(4096, 10);
      const array = heap.alloc(Float64Array, 10);
      expect(aligned % 4096).toBe(0);
      expect(heap.usableSize(block)).toBeGreaterThanOrEqual(1000);
      expect(heap.prewarm(64, 20)).toBeGreaterThanOrEqual(16);
      heap.trim();
      heap.free(block);
      heap.free(aligned);
      heap.free(array);
      expect(heap.stats()).toMatchObject({ live: 0, threads: 1 });
    });

    test.each([-1, 1.5, NaN, 2 ** 53, "16", 16n])("refuses the size %s", async (size) => {
      using heap = await createHeap({ memory64: true, shared });
      expect(await errorOf(() => heap.malloc(size as number))).toMatchObject({ argument: "size", value: size });
    });

    test.each([0, 3, 2 ** 40 + 1])("refuses the alignment %s", async (alignment) => {
      using heap = await createHeap({ memory64: true, shared });
      expect(await errorOf(() => heap.alignedAlloc(alignment, 16))).toMatchObject({ argument: "alignment" });
    });

    test("answers 0 for what no memory can hold", async () => {
      using heap = await createHeap({ memory64: true, shared, maximum: 64 * 1024 * 1024 });
      expect(heap.malloc(2 ** 52)).toBe(0);
      expect(heap.malloc(64 * 1024 * 1024)).toBe(0);
    });
  },
);

test("a shared heap over a 64-bit memory has a handle that leads to it", async () => {
  using heap = await createHeap({ memory64: true, shared: true });
  using attached = attachHeap(heap.handle);
  const block = heap.malloc(16);
  heap.u8[block] = 3;
  expect(attached).toMatchObject({ memory64: true });
  expect(attached.u8[block]).toBe(3);
  attached.free(block);
  expect(heap.stats().live).toBe(0);
});
