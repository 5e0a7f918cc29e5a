import { describe, expect, test } from "vitest";
import { createHeap, type MemoryViews } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

const VIEWS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
  data: DataView,
} as const satisfies Record<keyof MemoryViews, unknown>;

describe.each([{ shared: false }, { shared: true }])("the views of a heap with shared: $shared", ({ shared }) => {
  test.each(Object.entries(VIEWS))("cover the whole memory as %s", async (name, type) => {
    using heap = await createHeap({ shared });
    const view = heap[name as keyof MemoryViews];
    expect(view).toBeInstanceOf(type);
    expect(view.byteLength).toBe(heap.memory.buffer.byteLength);
  });

  test("are the same objects while the memory does not grow", async () => {
    using heap = await createHeap({ shared });
    const pointer = heap.malloc(16);
    const { u8 } = heap;
    heap.free(pointer);
    expect(heap.u8).toBe(u8);
  });

  test("cover what was added when the memory has grown", async () => {
    using heap = await createHeap({ shared });
    const small = heap.malloc(16);
    heap.u32[small >>> 2] = 0x12345678;
    const before = heap.u32.length;
    const large = heap.malloc(32 * MIB);
    expect(heap.u32.length).toBeGreaterThan(before);
    heap.u8[large + 32 * MIB - 1] = 9;
    expect(heap.u8[large + 32 * MIB - 1]).toBe(9);
    expect(heap.u32[small >>> 2]).toBe(0x12345678);
  });
});

test("there is a view of 16-bit floats where the engine has such arrays", async () => {
  using heap = await createHeap();
  const { Float16Array } = globalThis as { Float16Array?: typeof Float32Array };
  if (Float16Array === undefined) {
    expect(await errorOf(() => heap.f16)).toMatchObject({ code: "HAKMEM_UNSUPPORTED" });
    return;
  }
  const pointer = heap.malloc(2);
  const view: Float32Array = heap.f16;
  view[pointer / 2] = 1.5;
  expect(heap.u16[pointer / 2]).toBe(0x3e00);
  heap.malloc(32 * MIB);
  expect((heap.f16 as Float32Array)[pointer / 2]).toBe(1.5);
});
