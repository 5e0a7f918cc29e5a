/**
 * A heap as programs see it: everything but the C-shaped calls themselves, which `heap32.ts` and `heap64.ts` add.
 *
 * Read {@link Heap} top to bottom; it is the contract of the library.
 */

import {
  HeapClosedError,
  HeapNotSharedError,
  HeapSharedError,
  InvalidArgumentError,
  OutOfMemoryError,
  UnsupportedError,
  hex,
  type HeapCorruptionError,
} from "../errors.js";
import {
  type AllocOptions,
  alignmentOf,
  byteLength,
  checkConstructor,
  isWhole,
  refuseCount,
  refusePointer,
  refuseSize,
  zeroOf,
  type Float16,
  type TypedArray,
  type TypedArrayConstructor,
} from "./arguments.js";
import type { WasmImports, WasmMemory, WasmModule } from "../platform.js";
import { Arrays } from "./arrays.js";
import { makeDisposable, type AutoDisposable } from "./dispose.js";
import { makeHandle, type HeapHandle } from "./handle.js";
import { observed, type Told } from "./observed.js";
import type { HeapProfiling, HeapRecording, ProfileOptions, RecordOptions } from "./observing.js";
import type { Observer } from "../observe/observer.js";
import { withNumbers, type Allocator, type RawExports, type RawInstance } from "./raw-module.js";
import { readStats, type HeapStats } from "./stats.js";
import { reserve } from "./reserve.js";
import { HeapScope } from "./scope.js";
import { readUtf8, utf8Length, writeUtf8 } from "./text.js";
import { LiveViews, type MemoryViews } from "./views.js";

/** What a heap is made of. */
export interface HeapParts {
  readonly instance: RawInstance<number | bigint>;
  readonly memory: WasmMemory;
  /** Undefined where the heap is a program's, which has its own. */
  readonly module: WasmModule | undefined;
  readonly control: number;
  readonly profile: string;
  readonly shared: boolean;
  readonly memory64: boolean;
  /** Whether the blocks of arrays that were garbage-collected are freed. */
  readonly releaseCollected: boolean;
}

/** @throws {InvalidArgumentError} when a program calls the constructor */
function checkParts(parts: unknown): void {
  if (typeof parts === "object" && parts !== null && "instance" in parts) return;
  throw new InvalidArgumentError({
    problem: "a heap is not made by its constructor",
    remedy: "Call await createHeap() or createHeapSync(), or attachHeap(handle) for a heap of another thread.",
    argument: "parts",
    value: parts,
  });
}

const DEFAULT_SAMPLE = 2 ** 19;
const MAX_SAMPLE = 2 ** 30;
const MAX_THREAD_ID = 2 ** 32 - 1;

/**
 * One thread's way into a heap. It belongs to the thread that called `createHeap` or `attachHeap` and cannot be sent to
 * another; send its `handle`. Blocks have no such bond: any thread attached to a heap may use and free any block of it.
 *
 * Pointers are addresses in the heap's memory: whole numbers above 0, multiples of 16, below 2^32 unless the memory is a 64-bit
 * one. Sizes are in bytes.
 *
 * Every call throws {@link InvalidArgumentError} for an argument of the wrong type or out of range, and
 * {@link HeapClosedError} after `close()`. With the profiles `guard` and `hardened` every call that runs the allocator can throw
 * `HeapCorruptionError`; the heap has then closed itself, without running any more of the allocator, because nothing that it
 * holds can be trusted. Its `memory` can still be looked at.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- its `[Symbol.dispose]`, which not all types have
export abstract class Heap implements MemoryViews {
  /** The memory that the heap lives in. Growing it is the allocator's business. */
  readonly memory: WasmMemory;
  /** Whether other threads can attach. */
  readonly shared: boolean;
  /** Whether addresses are wider than 32 bits. */
  readonly memory64: boolean;
  /** Name of the profile that the allocator was built with. */
  readonly profile: string;
  /** This thread's number in the heap, from 1. Another thread gives it to `reclaim` if this one dies without `close()`. */
  readonly threadId: number;

  readonly #parts: HeapParts;
  readonly #largest: number;
  #allocator: Allocator | undefined;
  #views: LiveViews | undefined;
  #closedBy: HeapCorruptionError | undefined;
  #age = 0;
  #exports: RawExports<number | bigint>;
  #observer: Observer | undefined;
  #told: Told | undefined;
  #originOf: ((block: number) => string) | undefined;

  /** What `alloc` has made; and a filter over its addresses, for the calls that free and move by address. */
  readonly #arrays: Arrays;
  /** @internal Undefined before the first array: who allocates by address alone pays for no more than that test. */
  protected arrayFilter: Uint32Array | undefined = undefined;

  /** @internal Use `createHeap` or `attachHeap`. */
  constructor(parts: HeapParts) {
    checkParts(parts);
    this.memory = parts.memory;
    this.shared = parts.shared;
    this.memory64 = parts.memory64;
    this.profile = parts.profile;
    this.threadId = parts.instance.allocator.threadId();
    this.#parts = parts;
    this.#allocator = parts.instance.allocator;
    this.#exports = parts.instance.exports;
    this.#largest = parts.instance.width.largest;
    this.#views = new LiveViews(parts.memory, parts.shared, parts.instance);
    const release = (pointer: number): void => this.#allocator?.free(pointer);
    this.#arrays = new Arrays(
      (type, pointer, length) => new type(this.#live().buffer, pointer, length),
      parts.releaseCollected ? release : undefined,
    );
    Object.defineProperty(this, "arrayFilter", { enumerable: false });
    parts.instance.onCorruption((error) => {
      error.message += this.#originOf?.(error.block) ?? "";
      this.#shut(error);
    });
  }

  // C-shaped calls: exhaustion is the result 0.

  /** A block of at least `size` bytes with unspecified contents, or 0 when memory is exhausted. `malloc(0)` is a block too. */
  abstract malloc(size: number): number;

  /**
   * Takes a block back. 0 is ignored, and so is an address outside of the pages that this heap has handed out (`guard` and
   * `hardened` throw); an address inside a page of small blocks that is no block's breaks the heap, and `guard` and `hardened` find it.
   * A typed array is taken back by the view that `alloc` returned or any that `live` derived from it, in the same thread;
   * in another thread free its pointer.
   */
  abstract free(block: number | TypedArray): void;

  /** A cleared block for `count` elements of `size` bytes, or 0 when memory is exhausted or the product too large. */
  abstract calloc(count: number, size: number): number;

  /**
   * Makes a block larger or smaller, moving it if it must, and returns where it is now; its contents are kept up to the
   * smaller size. 0 means that memory is exhausted and the old block is untouched. A `pointer` of 0 allocates.
   */
  abstract realloc(pointer: number, size: number): number;

  /** A block at a multiple of `alignment`, a power of two, or 0 when memory is exhausted. */
  abstract alignedAlloc(alignment: number, size: number): number;

  /**
   * Bytes that the block at `pointer` can hold, at least what was asked for; 0 for an address outside of the pages that this
   * heap has handed out.
   */
  abstract usableSize(pointer: number): number;

  // Typed calls: exhaustion throws.

  /**
   * A typed array of `length` zeros over a block of the heap. Free it with `free(view)`; unless the heap was created with
   * `releaseCollected`, nothing else does.
   *
   * In a private heap the array becomes empty when the memory grows; `live(array)` returns one that is not.
   * @throws {OutOfMemoryError} when memory is exhausted
   */
  alloc<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A {
    checkConstructor(type);
    if (alignmentOf(options) !== undefined)
      return this.allocUnsafe(type, length, options).fill(zeroOf(type) as never) as A;
    return this.#adopt(type, length, this.calloc(1, byteLength(length, type.BYTES_PER_ELEMENT, this.#largest)));
  }

  /** As {@link alloc}, but the elements are what the memory last held: for arrays that are filled right away. */
  allocUnsafe<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A {
    checkConstructor(type);
    const bytes = byteLength(length, type.BYTES_PER_ELEMENT, this.#largest);
    const alignment = alignmentOf(options);
    return this.#adopt(
      type,
      length,
      alignment === undefined ? this.malloc(bytes) : this.alignedAlloc(alignment, bytes),
    );
  }

  /**
   * Makes a typed array that `alloc` returned longer or shorter, moving it if it must, and returns it as it is then: its
   * elements are kept up to the shorter length, what is added is zero. Earlier views of it must not be used any more, but may
   * be passed to `live`, `pointerOf` and `free`. The alignment that was given to `alloc` does not count any more, and the 0 behind a
   * text of `allocString` is gone.
   * @throws {OutOfMemoryError} when memory is exhausted; the array is untouched then
   */
  resize<A extends TypedArray>(array: A, length: number): A {
    const allocator = this.#open();
    const { type, length: old, block } = this.#arrays.find(array);
    const size = type.BYTES_PER_ELEMENT;
    const bytes = byteLength(length, size, this.#largest);
    const moved = allocator.realloc(block.pointer, bytes);
    if (moved === 0) this.#refuseLength(length, size);
    if (length > old) this.#live().u8.fill(0, moved + old * size, moved + bytes);
    return this.#arrays.move(array, moved, length);
  }

  /**
   * `text` as UTF-8 in a block of its own, behind which lies a 0, as C wants it. It is an array like those of `alloc`, without
   * the 0; lone surrogates become U+FFFD.
   * @throws {OutOfMemoryError} when memory is exhausted
   */
  allocString(text: string): Uint8Array {
    if (typeof text !== "string")
      throw new InvalidArgumentError("text", text, "a string", "Convert it with String(…).");
    const length = utf8Length(text);
    const pointer = this.malloc(length + 1);
    if (pointer === 0) this.#refuseLength(length + 1, 1);
    this.#live().u8[pointer + length] = 0;
    const bytes = this.#track(Uint8Array, pointer, length);
    writeUtf8(text, bytes);
    return bytes;
  }

  /**
   * The text that lies in UTF-8 at `pointer`, wherever it came from; what is not UTF-8 becomes U+FFFD.
   * @param length in bytes; up to the next 0 unless given
   */
  readString(pointer: number, length?: number): string {
    const { u8 } = this.#live();
    if (!isWhole(pointer, this.#largest) || pointer === 0) refusePointer("pointer", pointer, this.#largest);
    const end = length === undefined ? u8.indexOf(0, pointer) : pointer + byteLength(length, 1, this.#largest, "bytes");
    if (end < 0 || end > u8.length || pointer > u8.length) {
      throw new InvalidArgumentError(
        length === undefined ? "pointer" : "length",
        length ?? pointer,
        "such that the text ends inside the memory",
        "Check that the pointer is of this heap and not freed, and pass the length where no 0 ends the text.",
      );
    }
    return readUtf8(u8.subarray(pointer, end));
  }

  /**
   * What frees all that was allocated through it when it ends: `using scope = heap.scope()`. Blocks that shall stay are taken
   * out by `scope.keep`.
   */
  scope(): HeapScope {
    this.#open();
    return new HeapScope(this);
  }

  /**
   * Whether `free` would take a block: for a typed array, whether `alloc` of this heap returned it in this thread and it is
   * not freed; for an address, whether this heap can have handed it out. Of small blocks (up to 4 KiB) the heap knows their pages
   * alone, so that an address inside or between blocks counts there. One that was freed counts up to 64 KiB, while it is cached.
   * `guard` knows every block, but those of 0 bytes.
   */
  owns(block: number | TypedArray): boolean {
    const allocator = this.#open();
    if (typeof block !== "number") {
      if (!ArrayBuffer.isView(block)) refusePointer("block", block, this.#largest);
      return this.#arrays.has(block);
    }
    return isWhole(block, this.#largest) && allocator.usableSize(block) !== 0;
  }

  /**
   * The typed array that `alloc` returned as `array`, usable now: `array` itself unless the memory of a private heap has
   * grown, and otherwise a new one over the same elements. Cheap enough to call before each use.
   */
  live<A extends TypedArray>(array: A): A {
    this.#open();
    return this.#arrays.live(array);
  }

  /** Address of a typed array that `alloc` returned, whether or not the memory has grown since. */
  pointerOf(array: TypedArray): number {
    this.#open();
    return this.#arrays.find(array).block.pointer;
  }

  /**
   * Takes a typed array's block from the array, and returns its address: for who frees or moves it by its address where this
   * heap does not see it, in another thread or in a WebAssembly module that has `exports`.
   */
  disown(array: TypedArray): number {
    this.#open();
    return this.#arrays.remove(array);
  }

  /** @internal What stands for the block of an array, whichever view of it is given. */
  blockOf(array: TypedArray): object {
    return this.#arrays.find(array).block;
  }

  /**
   * A typed array over `length` elements at `pointer`, which need not be the beginning of a block. It frees nothing, and in
   * a private heap it becomes empty when the memory grows: make a new one then.
   */
  view<A extends TypedArray>(type: TypedArrayConstructor<A>, pointer: number, length: number): A {
    this.#open();
    checkConstructor(type);
    if (!isWhole(pointer, this.#largest)) refusePointer("pointer", pointer, this.#largest);
    const size = type.BYTES_PER_ELEMENT;
    if (pointer === 0 || pointer % size !== 0) {
      throw new InvalidArgumentError(
        "pointer",
        pointer,
        `a multiple of ${size}, the size of an element, and not 0`,
        "Check for 0, which malloc returns when memory is exhausted, and align what lies inside a block.",
      );
    }
    const end = pointer + byteLength(length, size, this.#largest);
    if (end > this.#live().buffer.byteLength) {
      throw new InvalidArgumentError(
        "length",
        length,
        `such that ${hex(pointer)} and the elements behind it are inside the memory`,
        "Check that the pointer is of this heap and not freed.",
      );
    }
    return new type(this.#live().buffer, pointer, length);
  }

  // Views of the whole memory, right at the time of the call: take one, use it up to the next call that allocates.

  /** The memory as signed bytes, indexed by address. */
  get i8(): Int8Array {
    return this.#live().i8;
  }
  /** The memory as bytes, indexed by address. */
  get u8(): Uint8Array {
    return this.#live().u8;
  }
  /** The memory as signed 16-bit numbers, indexed by address / 2. */
  get i16(): Int16Array {
    return this.#live().i16;
  }
  /** The memory as unsigned 16-bit numbers, indexed by address / 2. */
  get u16(): Uint16Array {
    return this.#live().u16;
  }
  /** The memory as signed 32-bit numbers, indexed by address / 4. */
  get i32(): Int32Array {
    return this.#live().i32;
  }
  /** The memory as unsigned 32-bit numbers, indexed by address / 4. */
  get u32(): Uint32Array {
    return this.#live().u32;
  }
  /** The memory as signed 64-bit numbers, indexed by address / 8. */
  get i64(): BigInt64Array {
    return this.#live().i64;
  }
  /** The memory as unsigned 64-bit numbers, indexed by address / 8. */
  get u64(): BigUint64Array {
    return this.#live().u64;
  }
  /**
   * The memory as 16-bit floats, indexed by address / 2.
   * @throws {UnsupportedError} in an engine that has no `Float16Array`
   */
  get f16(): Float16<never> {
    const view = this.#live().f16;
    if (view !== undefined) return view as Float16<never>;
    throw new UnsupportedError({
      problem: "this engine has no Float16Array",
      remedy: "Use the view data and convert, or run in Node 24 or later or a current browser.",
    });
  }
  /** The memory as 32-bit floats, indexed by address / 4. */
  get f32(): Float32Array {
    return this.#live().f32;
  }
  /** The memory as 64-bit floats, indexed by address / 8. */
  get f64(): Float64Array {
    return this.#live().f64;
  }
  /** The memory for unaligned and big-endian access. */
  get data(): DataView {
    return this.#live().data;
  }

  // What the heap is seen doing. Nothing is paid for it before, and another file is imported then.

  /**
   * Samples the blocks that this thread asks for from now on, with the stacks that ask: one in so many bytes, at random. What it makes
   * is plain data: `hakmem profile` turns its JSON into files for viewers, and a report of leaks.
   *
   * Seen are calls of this object, and of functions that `exports` returns meanwhile; in a program linked with hakmem.c, compiled with
   * `-DHAKMEM_OBSERVE`, all calls of this thread. Rejects with {@link InvalidArgumentError} for wrong options, and while the heap is sampled or recorded.
   */
  async startProfile(options: ProfileOptions = {}): Promise<HeapProfiling> {
    const { bytes = DEFAULT_SAMPLE } = options;
    if (!isWhole(bytes, MAX_SAMPLE) || bytes === 0) {
      const remedy = "Leave it out, or pass 1 to see every block.";
      throw new InvalidArgumentError("bytes", bytes, `a whole number from 1 to ${MAX_SAMPLE}`, remedy);
    }
    const { Profiler } = await import("../observe/index.js");
    const profiler = new Profiler(bytes, this.profile !== "default");
    this.#observe(profiler);
    this.#originOf = (block) => profiler.originOf(block);
    return {
      read: (since) => profiler.read(since),
      mark: () => profiler.mark(),
      stop: (since) => {
        this.#observe(undefined, profiler);
        return profiler.read(since);
      },
    };
  }

  /**
   * Records what this thread asks for from now on: sizes, times and which block, never what is in one. Seen is what {@link startProfile} sees.
   * Rejects with {@link InvalidArgumentError} while the heap is sampled or recorded.
   */
  async record({ onChunk }: RecordOptions = {}): Promise<HeapRecording> {
    const { Recorder } = await import("../observe/index.js");
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const recorder = new Recorder(this.threadId, !this.shared, onChunk ?? ((chunk) => void chunks.push(chunk)));
    this.#observe(recorder);
    return {
      get events() {
        return recorder.events;
      },
      stop: () => {
        if (this.#observer === recorder) {
          this.#observe(undefined, recorder);
          recorder.end();
        }
        const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
        chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.length), 0);
        return all;
      },
    };
  }

  // The heap as a whole.

  /**
   * The memory, and the functions of the allocator's module by their C names as they are: what a WebAssembly module of yours
   * imports to allocate from this heap, `WebAssembly.instantiate(yours, { env: heap.exports })`. They belong to this thread, check
   * nothing, and must not be called after `close()` or an error of corruption. An array whose block they free or move must have
   * given it up: pass `heap.disown(array)`. Addresses are signed in a 32-bit memory and bigints in a 64-bit one.
   */
  get exports(): WasmImports & { readonly memory: WasmMemory } {
    this.#open();
    return { memory: this.memory, ...this.#exports };
  }

  /** Figures about the heap, all threads together. */
  stats(): HeapStats {
    return readStats(this.#open());
  }

  /**
   * Gives what this thread keeps at hand back to the heap, for blocks of any size and for other threads: the blocks in its
   * caches (of up to 64 KiB), and pages that larger ones have left free, which all threads keep together.
   * @param keep bytes of such blocks that stay at most: whole caches of a size, the smallest sizes first
   * @returns whether this call gave anything back
   */
  trim(keep = 0): boolean {
    if (!isWhole(keep, this.#largest)) refuseSize("keep", keep, this.#largest);
    return this.#open().trim(keep);
  }

  /**
   * Frees everything in a private heap at once, in a fraction of the time that freeing block by block takes. Every pointer, array and
   * scope of before is invalid then, also when the call itself ends by a `RangeError` because the stack does: call it once more.
   * With the `guard` profile all blocks are checked first.
   * @throws {HeapSharedError} for a shared heap, whose other threads would not know
   */
  freeAll(): void {
    const allocator = this.#open();
    if (this.#parts.module === undefined) {
      throw new HeapSharedError({
        problem: "freeAll is for heaps of the library's own, but this one is a program's, which would not know",
        remedy: "Free block by block or by scopes.",
      });
    }
    if (this.shared) {
      throw new HeapSharedError({
        problem: "freeAll is for private heaps, but this one is shared, and its other threads would not know",
        remedy: "Free block by block or by scopes, or make a private heap for what is freed together.",
      });
    }
    allocator.check();
    // Before, for it may not come to its end.
    this.#arrays.forgetAll();
    this.#age++;
    allocator.freeAll();
  }

  /** @internal How often everything has been freed. */
  get age(): number {
    return this.#age;
  }

  /**
   * Takes memory from the engine, if need be, until `bytes` are free for blocks: as much can be allocated then without the
   * memory growing, but for what is lost between blocks. It may empty caches, so prewarm afterwards; with the `guard` profile what was
   * freed and is still watched is let go. See also the option `initial`.
   * @throws {OutOfMemoryError} when there is not so much; the heap may have grown by a part of it
   */
  reserve(bytes: number): void {
    if (!isWhole(bytes, this.#largest)) refuseSize("bytes", bytes, this.#largest);
    if (this.#parts.module === undefined) {
      throw new HeapSharedError({
        problem:
          "reserve is for heaps of the library's own, but this one is a program's, which may end when it is refused memory",
        remedy: "Link the program with as much memory as it will need.",
      });
    }
    reserve(this.#open(), bytes);
  }

  /**
   * Fills this thread's cache with blocks for `size` bytes, so that the next `count` allocations do no more than take one.
   * @returns how many such blocks are cached now, which may be fewer than `count`: a cache is bounded
   */
  prewarm(size: number, count: number): number {
    if (!isWhole(size, this.#largest)) refuseSize("size", size, this.#largest);
    if (!isWhole(count, this.#largest)) refuseCount("count", count, this.#largest);
    return this.#open().prewarm(size, count);
  }

  /**
   * Takes over what a thread held that died without `close()`: a terminated worker, for one. Blocks that it had allocated
   * stay allocated. Call it only once that thread runs no more, after `await worker.terminate()`: a thread that is still
   * running would go on using what now belongs to this one, and break the heap.
   * @param threadId the `threadId` of the dead thread's heap
   * @returns false when nothing of such a thread is left
   */
  reclaim(threadId: number): boolean {
    if (!isWhole(threadId, MAX_THREAD_ID) || threadId === 0 || threadId === this.threadId) {
      throw new InvalidArgumentError(
        "threadId",
        threadId,
        "the threadId of another, dead thread of this heap",
        "Have each worker send its heap.threadId when it attaches, and keep it with the worker.",
      );
    }
    return this.#open().reclaim(threadId);
  }

  /**
   * What another thread passes to `attachHeap`.
   * @throws {HeapNotSharedError} for a private heap
   */
  get handle(): HeapHandle {
    const allocator = this.#open();
    const { memory, module, control, profile, memory64 } = this.#parts;
    if (module === undefined) {
      throw new HeapNotSharedError({
        problem: "the heap of a program has no handle, because a thread must be one of the program's to use it",
        remedy: "Start a thread of the program, and call attachHeap with its instance there.",
      });
    }
    if (!this.shared) {
      throw new HeapNotSharedError({
        problem: "a private heap has no handle, because its memory cannot be shared",
        remedy: "Create the heap with { shared: true }.",
        argument: "shared",
        value: false,
      });
    }
    return makeHandle({ memory, module, control, profile, memory64, configHash: allocator.configHash() });
  }

  /** Whether this thread's use of the heap is over. */
  get closed(): boolean {
    return this.#allocator === undefined;
  }

  /**
   * Ends this thread's use of the heap: what its caches hold goes back, and other threads may take over its slabs. Blocks
   * stay allocated and, in a shared heap, usable by the other threads. Closing again does nothing. With the `guard` profile
   * all blocks of the heap are checked first.
   */
  close(): void {
    const allocator = this.#allocator;
    if (allocator === undefined) return;
    allocator.check();
    this.#shut();
    allocator.threadExit();
  }

  /** @internal Makes every C-shaped call one of such functions. */
  protected abstract arm(exports: RawExports<number | bigint>): void;

  /** @internal Makes every C-shaped call end in `refuse` from now on. */
  protected abstract disarm(refuse: () => never): void;

  /** @internal The cold path of `free`: takes a typed array back. */
  protected freeArray(array: unknown): void {
    this.#open();
    if (!ArrayBuffer.isView(array)) refusePointer("block", array, this.#largest);
    this.#allocator?.free(this.#arrays.remove(array));
  }

  /** @internal Notes that a block of an address that the filter has was freed or moved: it is no array's any more. */
  protected forgetArray(pointer: number): void {
    this.#arrays.forget(pointer);
  }

  #adopt<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, pointer: number): A {
    if (pointer === 0) this.#refuseLength(length, type.BYTES_PER_ELEMENT);
    return this.#track(type, pointer, length);
  }

  #track<A extends TypedArray>(type: TypedArrayConstructor<A>, pointer: number, length: number): A {
    const array = this.#arrays.add(type, pointer, length);
    this.arrayFilter = this.#arrays.filter;
    return array;
  }

  #refuseLength(length: number, size: number): never {
    throw new OutOfMemoryError({
      problem: `the heap has no room for ${length} elements of ${size} bytes (${length * size} in all)`,
      remedy: "Free blocks, ask for less, or create the heap with a larger maximum.",
      argument: "length",
      value: length,
    });
  }

  /** Has all calls told to `observer`; without one, no more to the one `before`. */
  #observe(observer: Observer | undefined, before?: Observer): void {
    if (this.closed && observer === undefined) {
      this.#observer = undefined;
      return;
    }
    this.#open();
    if (this.#observer !== before) {
      if (observer === undefined) return;
      const remedy = "Stop the one before the other.";
      throw new InvalidArgumentError({ problem: "the heap is sampled or recorded already", remedy, argument: "heap" });
    }
    const { instance } = this.#parts;
    const read = (address: number): number =>
      this.memory64
        ? Number(this.#live().data.getBigUint64(address, true))
        : this.#live().data.getUint32(address, true);
    this.#observer = observer;
    if (this.#told !== undefined) this.#told.observer = undefined;
    if (instance.observe !== undefined) {
      instance.observe(observer);
      return;
    }
    this.#told = observer && { observer };
    this.#exports =
      this.#told === undefined ? instance.exports : observed(instance.exports, instance.width, this.#told, read);
    this.#allocator = withNumbers(this.#exports, instance.width);
    this.arm(this.#exports);
  }

  #live(): LiveViews {
    return this.#views === undefined ? this.#refuse() : this.#views.current();
  }

  #open(): Allocator {
    return this.#allocator ?? this.#refuse();
  }

  #shut(cause?: HeapCorruptionError): void {
    this.#allocator = undefined;
    this.#views = undefined;
    this.#closedBy = cause;
    this.disarm(() => this.#refuse());
  }

  #refuse(): never {
    const cause = this.#closedBy;
    throw new HeapClosedError({
      problem:
        cause === undefined
          ? "the heap is closed"
          : `the heap closed itself after a ${cause.kind} at ${hex(cause.pointer)}`,
      remedy:
        cause === undefined
          ? "Keep the heap open for as long as it is used, or attach to its handle again."
          : "Mend what the first error names; until then, start again with a new heap.",
      cause,
    });
  }
}

/** Closed by the end of the block of `using heap = …`. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type -- as above
export interface Heap extends AutoDisposable {}

makeDisposable(Heap.prototype, function () {
  this.close();
});
