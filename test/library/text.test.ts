import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHeap, OutOfMemoryError, type Heap } from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;
const wellFormed = (text: string): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));

describe.each([{ shared: false }, { shared: true }])("text in a heap with shared: $shared", ({ shared }) => {
  let heap: Heap;

  beforeEach(async () => {
    heap = await createHeap({ shared, maximum: 64 * MIB });
  });
  afterEach(() => {
    heap.close();
  });

  test("is what an encoder makes of it, with a 0 behind, and can be read again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const bytes = heap.allocString(text);
        const encoded = new TextEncoder().encode(text);
        expect([...bytes]).toEqual([...encoded]);
        const pointer = heap.pointerOf(bytes);
        expect(heap.u8[pointer + bytes.length]).toBe(0);
        expect(heap.readString(pointer, bytes.length)).toBe(wellFormed(text));
        if (!text.includes("\0")) expect(heap.readString(pointer)).toBe(wellFormed(text));
        heap.free(bytes);
      }),
    );
  });

  test.each(["", "\ufeffa", "a\ud800", "\udc00b", "\ud83d\ude00", "ÿ€𝄞"])("can be %j", (text) => {
    const bytes = heap.allocString(text);
    expect([...bytes]).toEqual([...new TextEncoder().encode(text)]);
    expect(heap.readString(heap.pointerOf(bytes), bytes.length)).toBe(
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.slice()),
    );
  });

  test("can be long, and grow the memory", () => {
    const text = "häkmem ".repeat(500_000);
    const bytes = heap.allocString(text);
    expect(heap.readString(heap.pointerOf(bytes))).toBe(text);
    heap.free(bytes);
  });

  test("that another program wrote is read as far as it is UTF-8", () => {
    const pointer = heap.malloc(4);
    heap.u8.set([0x61, 0xff, 0x62, 0], pointer);
    expect(heap.readString(pointer)).toBe("a\ufffdb");
    expect(heap.readString(pointer, 0)).toBe("");
  });

  test("is refused when it is none, when there is no room, and beyond the memory", async () => {
    expect(await errorOf(() => heap.allocString(5 as unknown as string))).toMatchObject({ argument: "text", value: 5 });
    expect(await errorOf(() => heap.allocString("x".repeat(100 * MIB)))).toBeInstanceOf(OutOfMemoryError);
    for (const pointer of [0, -1, 1.5, "1", 2 ** 32]) {
      expect(await errorOf(() => heap.readString(pointer as number))).toMatchObject({ argument: "pointer" });
    }
    const end = heap.memory.buffer.byteLength;
    expect(await errorOf(() => heap.readString(end - 4, 5))).toMatchObject({ argument: "length", value: 5 });
    expect(await errorOf(() => heap.readString(end + 16, 0))).toMatchObject({ argument: "length" });
    const last = heap.u8.lastIndexOf(1);
    heap.u8.fill(1, Math.max(last, end - 16), end);
    expect(await errorOf(() => heap.readString(end - 8))).toMatchObject({ argument: "pointer", value: end - 8 });
  });
});
