import { describe, expect, test } from "vitest";
import {
  attachHeap,
  createHeap,
  HeapNotSharedError,
  InvalidHandleError,
  OutOfMemoryError,
  type HeapHandle,
} from "hakmem";
import { errorOf } from "./support/errors.js";

describe("the handle of a heap", () => {
  test("survives structured cloning and leads to the same blocks", async () => {
    using heap = await createHeap({ shared: true });
    const pointer = heap.malloc(16);
    heap.u8[pointer] = 42;
    using attached = attachHeap(await clone(heap.handle));
    expect(attached.u8[pointer]).toBe(42);
    attached.free(pointer);
    expect(heap.stats().live).toBe(0);
  });

  test("gives each attachment a thread id of its own", async () => {
    using heap = await createHeap({ shared: true });
    using attached = attachHeap(heap.handle);
    expect(attached.threadId).not.toBe(heap.threadId);
    expect(heap.stats().threads).toBe(2);
  });

  test("tells the profile and the memory", async () => {
    using heap = await createHeap({ shared: true, profile: "compact" });
    using attached = attachHeap(heap.handle);
    expect(attached).toMatchObject({ profile: "compact", shared: true, memory: heap.memory });
  });

  test("leads to the heap also after its maker has closed it", async () => {
    const heap = await createHeap({ shared: true });
    const { handle } = heap;
    const pointer = heap.malloc(16);
    heap.u8[pointer] = 7;
    heap.close();
    using attached = attachHeap(handle);
    expect(attached.u8[pointer]).toBe(7);
    expect(attached.malloc(16)).not.toBe(0);
  });

  test("exists for shared heaps only", async () => {
    using heap = await createHeap();
    const error = await errorOf(() => heap.handle);
    expect(error).toBeInstanceOf(HeapNotSharedError);
    expect(error).toMatchObject({ code: "HAKMEM_HEAP_NOT_SHARED" });
  });
});

describe("attachHeap", () => {
  test.each([undefined, null, 5, "handle", {}, [], { format: "other" }])(
    "refuses %o, which is no handle",
    async (value) => {
      const error = await errorOf(() => attachHeap(value as HeapHandle));
      expect(error).toBeInstanceOf(InvalidHandleError);
      expect(error).toMatchObject({ code: "HAKMEM_INVALID_HANDLE", argument: "handle", value });
    },
  );

  const privateMemory = new WebAssembly.Memory({ initial: 1, maximum: 1 });

  test.each<[field: keyof HeapHandle, value: unknown]>([
    ["version", 0],
    ["version", 2],
    ["version", undefined],
    ["memory", undefined],
    ["memory", privateMemory],
    ["module", {}],
    ["control", 0],
    ["control", -16],
    ["control", 1.5],
    ["profile", 1],
    ["memory64", "no"],
    ["configHash", "abc"],
  ])("refuses a handle whose %s is %o", async (field, value) => {
    using heap = await createHeap({ shared: true });
    const handle = { ...heap.handle, [field]: value } as HeapHandle;
    const error = await errorOf(() => attachHeap(handle));
    expect(error).toBeInstanceOf(InvalidHandleError);
    expect(error).toMatchObject({ argument: `handle.${field}`, value });
  });

  test("refuses a handle of a heap with another configuration", async () => {
    using heap = await createHeap({ shared: true });
    using other = await createHeap({ shared: true, profile: "compact" });
    const handle = { ...heap.handle, module: other.handle.module };
    const error = await errorOf(() => attachHeap(handle));
    expect(error).toBeInstanceOf(InvalidHandleError);
    expect(error.message).toContain("configHash");
  });

  test("says so when the heap has no room for another thread", async () => {
    using heap = await createHeap({ shared: true, profile: "compact", maximum: 2 * 1024 * 1024 });
    for (const size of [100_000, 1000, 16]) while (heap.malloc(size) !== 0);
    const error = await errorOf(() => {
      for (let i = 0; i < 1000; i++) attachHeap(heap.handle);
    });
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error.argument).toBe("handle");
  });

  test("refuses a handle that was made to look like one of a wider memory", async () => {
    using heap = await createHeap({ shared: true });
    const error = await errorOf(() => attachHeap({ ...heap.handle, memory64: true }));
    expect(error).toBeInstanceOf(InvalidHandleError);
  });

  test("refuses a handle that points at something else than a heap", async () => {
    using heap = await createHeap({ shared: true });
    const block = heap.calloc(1, 4096);
    const end = heap.memory.buffer.byteLength;
    for (const control of [block, block + 1, end - 4, end, 0xffff_fff0]) {
      const error = await errorOf(() => attachHeap({ ...heap.handle, control }));
      expect(error).toBeInstanceOf(InvalidHandleError);
      expect(error.message).toContain(String(control));
    }
    expect(heap.stats().threads).toBe(1);
  });
});

/** What postMessage does to a value. */
function clone(handle: HeapHandle): Promise<HeapHandle> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port2.onmessage = ({ data }) => {
      port1.close();
      resolve(data as HeapHandle);
    };
    port1.postMessage(handle);
  });
}
