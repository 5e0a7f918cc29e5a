import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createHeap,
  createHeapSync,
  Heap,
  ModuleError,
  NotCrossOriginIsolatedError,
  OutOfMemoryError,
  type HeapOptions,
} from "hakmem";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;
const moduleFile = (name: string): string => fileURLToPath(import.meta.resolve(`hakmem/wasm/${name}.wasm`));

describe("createHeap", () => {
  test.each(["default", "compact", "hardened", "guard"])(
    "makes private and shared heaps of the profile %s",
    async (profile) => {
      for (const shared of [false, true]) {
        using heap = await createHeap({ profile, shared });
        expect(heap).toBeInstanceOf(Heap);
        expect(heap).toMatchObject({ profile, shared, closed: false, threadId: 1 });
        expect(heap.memory.buffer).toBeInstanceOf(shared ? SharedArrayBuffer : ArrayBuffer);
        expect(heap.malloc(100)).not.toBe(0);
      }
    },
  );

  test("makes a private heap of the default profile when asked for nothing", async () => {
    using heap = await createHeap();
    expect(heap).toMatchObject({ profile: "default", shared: false });
  });

  test("works at once as createHeapSync", () => {
    using heap = createHeapSync();
    expect(heap.malloc(100)).not.toBe(0);
  });

  test("keeps heaps apart", async () => {
    using one = await createHeap();
    using other = await createHeap();
    const pointer = one.malloc(16);
    one.u8[pointer] = 1;
    expect(other.memory).not.toBe(one.memory);
    expect(other.stats().live).toBe(0);
  });

  test("takes the initial bytes from the memory at once", async () => {
    using heap = await createHeap({ initial: 20 * MIB });
    const { byteLength } = heap.memory.buffer;
    expect(byteLength).toBeGreaterThanOrEqual(20 * MIB);
    expect(heap.stats()).toMatchObject({ live: 0 });
    const blocks = Array.from({ length: 150 }, () => heap.malloc(100_000));
    expect(blocks).not.toContain(0);
    expect(heap.memory.buffer.byteLength).toBe(byteLength);
  });

  test("never moves a memory whose initial bytes are its maximum", async () => {
    using heap = await createHeap({ initial: 16 * MIB, maximum: 16 * MIB });
    const { u8 } = heap;
    while (heap.malloc(10_000) !== 0);
    while (heap.malloc(16) !== 0);
    expect(heap.u8).toBe(u8);
  });

  test.each([1, 65_536, 1_000_000])("leaves what lies below %i alone", async (base) => {
    for (const shared of [false, true]) {
      using heap = await createHeap({ base, shared, maximum: 8 * MIB });
      const start = Math.ceil(base / 65_536) * 65_536;
      const own = new Uint8Array(heap.memory.buffer, 0, start);
      expect(own.every((byte) => byte === 0)).toBe(true);
      own.fill(0xaa);
      let lowest = Infinity;
      for (const size of [MIB / 2, 10_000, 16]) {
        for (let block = heap.calloc(1, size); block !== 0; block = heap.calloc(1, size)) {
          lowest = Math.min(lowest, block);
          heap.u8.fill(0x55, block, block + size);
        }
      }
      expect(lowest).toBeGreaterThan(start);
      expect(heap.memory.buffer.byteLength).toBeLessThanOrEqual(8 * MIB);
      expect(heap.u8.subarray(0, start).every((byte) => byte === 0xaa)).toBe(true);
      expect(heap.owns(start - 16)).toBe(false);
    }
  });

  test("keeps the memory within its maximum", async () => {
    using heap = await createHeap({ maximum: 8 * MIB });
    while (heap.malloc(MIB / 2) !== 0);
    expect(heap.memory.buffer.byteLength).toBeLessThanOrEqual(8 * MIB);
  });

  test.each(["default", "compact", "guard"])(
    "begins in any maximum or says that it is too little, profile %s",
    async (profile) => {
      for (let pages = 1; pages <= 80; ++pages) {
        for (const shared of [false, true]) {
          const options = { profile, shared, maximum: pages * 65_536 };
          const made = await createHeap(options).catch((error: unknown) => error);
          if (!(made instanceof Heap)) {
            expect(made).toMatchObject({ code: "HAKMEM_OUT_OF_MEMORY", argument: "maximum", value: options.maximum });
            expect(pages).toBeLessThan(48);
            continue;
          }
          let bytes = 0;
          const error = await errorOf(() => {
            while (bytes < options.maximum) bytes += made.alloc(Uint8Array, 10_000).length;
          });
          expect(error).toBeInstanceOf(OutOfMemoryError);
          expect(made.calloc(1, options.maximum)).toBe(0);
          made.close();
        }
      }
    },
  );

  test("uses a module that was compiled elsewhere", async () => {
    const module = await WebAssembly.compile(await readFile(moduleFile("default.wasm32")));
    using heap = await createHeap({ module });
    expect(heap.profile).toBe("custom");
    using named = createHeapSync({ module, profile: "mine" });
    expect(named.profile).toBe("mine");
    expect(named.malloc(16)).not.toBe(0);
  });

  test("uses a module given as bytes or by its address", async () => {
    const bytes = await readFile(moduleFile("default.wasm32"));
    for (const module of [bytes, new URL(import.meta.resolve("hakmem/wasm/default.wasm32.wasm"))]) {
      using heap = await createHeap({ module });
      using same = createHeapSync({ module });
      expect(heap.malloc(16)).not.toBe(0);
      expect(same.malloc(16)).not.toBe(0);
    }
  });

  const BAD_OPTIONS: [option: string, value: unknown, options: unknown][] = [
    ["options", 5, 5],
    ["options", null, null],
    ["options", "max", { max: 1 }],
    ["shared", "yes", { shared: "yes" }],
    ["memory64", 64, { memory64: 64 }],
    ["profile", "fastest", { profile: "fastest" }],
    ["profile", 3, { profile: 3 }],
    ["initial", null, { initial: null }],
    ["maximum", null, { maximum: null }],
    ["profile", null, { profile: null }],
    ["releaseCollected", 1, { releaseCollected: 1 }],
    ["initial", -1, { initial: -1 }],
    ["initial", NaN, { initial: NaN }],
    ["initial", 0.5, { initial: 0.5 }],
    ["initial", "1 MiB", { initial: "1 MiB" }],
    ["initial", 2 * MIB, { initial: 2 * MIB, maximum: MIB }],
    ["initial", 2 * MIB, { initial: 2 * MIB, base: MIB, maximum: 2 * MIB }],
    ["base", -1, { base: -1 }],
    ["base", 2 * MIB, { base: 2 * MIB, maximum: MIB }],
    ["maximum", 65_535, { maximum: 65_535 }],
    ["maximum", -MIB, { maximum: -MIB }],
    ["maximum", Infinity, { maximum: Infinity }],
    ["maximum", 2 ** 32 + 1, { maximum: 2 ** 32 + 1 }],
    ["maximum", 2 ** 31, { maximum: 2 ** 31, profile: "compact" }],
    ["module", "default.wasm", { module: "default.wasm" }],
    ["module", 7, { module: 7 }],
  ];

  test.each(BAD_OPTIONS)("refuses %s: %o", async (argument, value, options) => {
    for (const create of [createHeap, createHeapSync]) {
      const error = await errorOf(() => create(options as HeapOptions));
      expect(error).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument, value });
      expect(error.message).toMatch(argument === "options" ? /must be|there is no option/ : `${argument} must be`);
    }
  });

  test("names the option that was meant", async () => {
    const { message, remedy } = await errorOf(() => createHeap({ Shared: true } as HeapOptions));
    expect(message).toMatch(/^there is no option Shared; there are shared, /);
    expect(remedy).toBe("Write shared.");
  });

  test("is not the constructor", async () => {
    const error = await errorOf(() => new (Heap as unknown as new () => Heap)());
    expect(error).toMatchObject({ code: "HAKMEM_INVALID_ARGUMENT", argument: "parts" });
    expect(error.message).toContain("await createHeap()");
  });

  test("a heap fits the smallest memory that there is", async () => {
    using heap = await createHeap({ maximum: 65_536 });
    let taken = 0;
    while (heap.malloc(1000) !== 0) taken += 1000;
    expect(taken).toBeGreaterThan(32_768);
    expect(heap.memory.buffer.byteLength).toBe(65_536);
  });

  test("says so when the module is not WebAssembly", async () => {
    for (const create of [createHeap, createHeapSync]) {
      const error = await errorOf(() => create({ module: new Uint8Array([1, 2, 3]) }));
      expect(error).toBeInstanceOf(ModuleError);
      expect(error).toMatchObject({ code: "HAKMEM_MODULE", argument: "module" });
    }
  });

  test("says so when the module is not there", async () => {
    const module = new URL("no-such-file.wasm", import.meta.url);
    for (const create of [createHeap, createHeapSync]) {
      const error = await errorOf(() => create({ module }));
      expect(error).toBeInstanceOf(ModuleError);
      expect(error.message).toContain(module.href);
    }
  });

  test("says so when the module is no allocator", async () => {
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const error = await errorOf(() => createHeap({ module: empty }));
    expect(error).toBeInstanceOf(ModuleError);
    expect(error.message).toContain("malloc");
  });

  test("says so when the module is for another kind of memory", async () => {
    const module = await readFile(moduleFile("default.wasm32"));
    expect(await errorOf(() => createHeap({ module, shared: true }))).toBeInstanceOf(ModuleError);
  });
});

describe("on a page that is not cross-origin isolated", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test("a shared heap is refused with what the page needs", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    const error = await errorOf(() => createHeap({ shared: true }));
    expect(error).toBeInstanceOf(NotCrossOriginIsolatedError);
    expect(error).toMatchObject({ code: "HAKMEM_NOT_CROSS_ORIGIN_ISOLATED", argument: "shared" });
    expect(error.remedy).toContain("Cross-Origin-Opener-Policy: same-origin");
  });

  test("a private heap works", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    using heap = await createHeap();
    expect(heap.malloc(16)).not.toBe(0);
  });
});

test("a heap over a 64-bit memory is refused where the engine has none, as in Node 20", async () => {
  vi.spyOn(WebAssembly, "Memory").mockImplementation(function () {
    throw new TypeError("Cannot convert a BigInt value to a number");
  });
  const error = await errorOf(() => createHeap({ memory64: true }));
  vi.restoreAllMocks();
  expect(error).toMatchObject({ code: "HAKMEM_UNSUPPORTED", argument: "memory64", value: true });
});
