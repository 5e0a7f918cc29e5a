import { describe, expect, test } from "vitest";
import { BUILDS, buildsWhere, type Build } from "./support/builds.js";
import { expectPainted, expectZero, paint } from "./support/model.js";
import { ClassStat, Kind, RawHeap, RawMemory, Stat, WASM_PAGE } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
/** One of each kind of block. */
const SIZES = [100, 100 * KIB, 3 * MIB];
/** Pages of a memory of 4 GiB. */
const ALL_PAGES = 65536;

/**
 * Every export as a thread with a heap calls it, on a block of `size` bytes that another thread has filled. Returns the block
 * as it is then: elsewhere, or 0 when it is freed.
 */
const CALLS: Readonly<Record<string, (heap: RawHeap, block: number, size: number) => number | void>> = {
  malloc: (heap, _, size) => useUp(heap, heap.malloc(size), size),
  calloc: (heap, _, size) => {
    const made = heap.calloc(1, size);
    expectZero(heap.memory.bytes, made, size);
    useUp(heap, made, size);
  },
  memalign: (heap, _, size) => useUp(heap, heap.memalign(64, size), size),
  aligned_alloc: (heap, _, size) => useUp(heap, heap.alignedAlloc(128 * KIB, size), size),
  posix_memalign: (heap, block, size) => {
    expect(heap.posixMemalign(block, 64, size)).toBe(0);
    useUp(heap, heap.wordAt(block), size);
    paint(heap.memory.bytes, block, size, 1);
  },
  realloc: (heap, block, size) => heap.realloc(block, 2 * size),
  reallocarray: (heap, block, size) => heap.reallocarray(block, 3, size),
  free: (heap, block) => (heap.free(block), 0),
  free_sized: (heap, block, size) => (heap.freeSized(block, size), 0),
  free_aligned_sized: (heap, block, size) => (heap.freeAlignedSized(block, 16, size), 0),
  malloc_usable_size: (heap, block, size) => void expect(heap.usableSize(block)).toBeGreaterThanOrEqual(size),
  malloc_trim: (heap) => void expect([0, 1]).toContain(heap.trim()),
  free_all: (heap, block) => {
    expect(heap.freeAll()).toBe(heap.build.shared ? 0 : 1);
    return heap.build.shared ? block : 0;
  },
  malloc_prewarm: (heap) => void expect(heap.prewarm(100, 10)).toBeGreaterThan(0),
  region_kind: (heap, block) => void expect([Kind.Small, Kind.Large, Kind.Huge]).toContain(heap.kind(block)),
  heap_stat: (heap, _, size) => void expect(heap.stat(Stat.Live)).toBeGreaterThanOrEqual(size),
  class_stat: (heap) => void expect(heap.classStat(0, ClassStat.BlockSize)).toBe(16),
  config_hash: (heap) => void expect(heap.configHash).not.toBe(0),
  thread_init: (heap) => void expect(heap.threadInit(0)).not.toBe(0),
  thread_exit: (heap, block) => {
    const control = heap.threadInit(0);
    heap.threadExit();
    expect(heap.threadInit(control)).toBe(control);
    return block;
  },
  thread_id: (heap) => void expect(heap.threadId).not.toBe(0),
  thread_reclaim: (heap) => void expect(heap.threadReclaim(heap.threadId)).toBe(0),
  heap_check: (heap) => heap.check(),
  guard_new: (heap, _, size) => heap.guardDelete(heap.guardNew(size, 16, 1), size, 16, 1),
  guard_delete: (heap, block, size) => {
    const made = heap.guardNew(size, 16, 2);
    heap.guardDelete(made, size, 16, 2);
    return block;
  },
  guard_history: (heap, block) => {
    expect(heap.guardHistory(block, 0, 0)).toBe(1n);
    expect(heap.guardHistory(block, 0, 1)).toBe(BigInt(block));
  },
  guard_block: (heap, block, size) => {
    expect(heap.guardBlock(block, 0, 1)).toBe(BigInt(size));
    expect(heap.guardBlock(block, 0, 2)).toBe(1n);
  },
};

/** What says something about the module or the thread alone, or gives the thread its heap. */
const NEED_NO_HEAP = ["config_hash", "thread_id", "thread_exit", "thread_init"];

describe.each(BUILDS)("$name", (build) => {
  const exports = exportsOf(build);

  test("has no export that is not called here", () => {
    expect(Object.keys(CALLS)).toEqual(expect.arrayContaining(exports));
  });

  test.each(exports.flatMap((name) => SIZES.map((size) => ({ name, size }))))(
    "$name is the first call of a thread, about a block of $size bytes of another's",
    ({ name, size }) => {
      const { heap, fresh } = newThread(build);
      const block = heap.malloc(size);
      paint(heap.memory.bytes, block, size, 1);
      const thread = fresh();
      const kept = CALLS[name]!(thread, block, size) ?? block;
      if (kept !== 0) {
        expectPainted(heap.memory.bytes, kept, size, 1);
        thread.free(kept);
      }
      useUp(thread, thread.malloc(size), size);
      // The slab is the first thread's where that is another.
      for (const each of [thread, heap]) each.trim();
      expect(thread.stat(Stat.Live)).toBe(0);
      expect(thread.stat(Stat.FreePages)).toBe(thread.stat(Stat.Committed) - thread.stat(Stat.Metadata));
    },
  );

  test.each([0x00, 0x01, 0x5a, 0xff])(
    "before thread_init every call traps and changes nothing in a memory full of %i, and thread_init still works",
    (byte) => {
      const memory = new RawMemory(build, 400, 20);
      memory.bytes.fill(byte);
      const heap = new RawHeap(build, memory);
      expectTraps(heap);
      expect(memory.bytes.every((found) => found === byte)).toBe(true);
      expect(heap.threadInit(0)).not.toBe(0);
      useUp(heap, heap.malloc(100), 100);
    },
  );
});

describe.each(buildsWhere(({ wide }) => !wide))("$name in a memory of 4 GiB", (build) => {
  test.each([0x00, 0x5a, 0xff])("before thread_init every call traps, and changes nothing where %i is", (byte) => {
    const memory = new RawMemory(build, ALL_PAGES, ALL_PAGES);
    const heap = new RawHeap(build, memory);
    // Whatever address reads as "no heap" is followed by the end, or by the beginning if it wraps.
    const ends = [memory.bytes.subarray(0, MIB), memory.bytes.subarray(-MIB)];
    for (const end of ends) end.fill(byte);
    expectTraps(heap);
    for (const end of ends) expect(end.every((found) => found === byte)).toBe(true);
  });

  const size = 100;
  test.each(exportsOf(build))(
    "after thread_exit, %s traps or works, changes nothing of others', and the thread can begin again",
    (name) => {
      const heap = RawHeap.create(build, ALL_PAGES);
      const control = heap.threadInit(0);
      const block = heap.malloc(size);
      paint(heap.memory.bytes, block, size, 1);
      heap.memory.grow(heap.memory.room / WASM_PAGE);
      heap.threadExit();
      try {
        CALLS[name]!(heap, block, size);
      } catch (error) {
        // What the call answers without a heap is its own business.
        if (!(error instanceof WebAssembly.RuntimeError) && (error as Error).name !== "AssertionError") throw error;
      }
      expect(heap.memory.bytes.subarray(-MIB).every((found) => found === 0)).toBe(true);
      expect(heap.threadInit(control)).toBe(control);
      expect(heap.threadId).not.toBe(0);
      useUp(heap, heap.malloc(size), size);
    },
  );
});

function exportsOf(build: Build): string[] {
  return WebAssembly.Module.exports(build.module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
}

/** Every call that needs a heap, with addresses and sizes of all kinds, ends in a trap. */
function expectTraps(heap: RawHeap): void {
  const end = heap.memory.length;
  const addresses = [16, 4096, WASM_PAGE, end / 2, end - WASM_PAGE, end - 16];
  for (const name of exportsOf(heap.build).filter((name) => !NEED_NO_HEAP.includes(name))) {
    for (const address of addresses) {
      for (const size of SIZES) {
        expect(() => CALLS[name]!(heap, address, size), `${name} of ${address}, ${size}`).toThrow(
          WebAssembly.RuntimeError,
        );
      }
    }
  }
  expect(heap.threadId).toBe(0);
  heap.threadExit();
  expect(heap.threadId).toBe(0);
}

/** A heap with one thread, and what makes another whose first call is to come: after the first one's exit where memory is private. */
function newThread(build: Build): { heap: RawHeap; fresh: () => RawHeap } {
  const heap = RawHeap.create(build);
  const control = heap.threadInit(0);
  const fresh = (): RawHeap => {
    if (build.shared) return heap.join(control);
    heap.threadExit();
    heap.threadInit(control);
    return heap;
  };
  return { heap, fresh };
}

/** Writes to all of a fresh block, and frees it. */
function useUp(heap: RawHeap, block: number, size: number): void {
  expect(block).not.toBe(0);
  expect(heap.usableSize(block)).toBeGreaterThanOrEqual(size);
  paint(heap.memory.bytes, block, size, 2);
  heap.free(block);
}
