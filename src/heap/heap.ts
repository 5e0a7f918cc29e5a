/**
 * A heap as programs see it: everything but the C-shaped calls themselves, which `heap32.ts` and `heap64.ts` add.
 *
 * Read {@link Heap} top to bottom; it is the contract of the library.
 */

import {
  HeapClosedError,
  HeapNotSharedError,
  InvalidArgumentError,
  OutOfMemoryError,
  hex,
  type HeapCorruptionError,
} from "../errors.js";
import {
  byteLength,
  checkConstructor,
  isWhole,
  refuseCount,
  refusePointer,
  refuseSize,
  type TypedArray,
  type TypedArrayConstructor,
} from "./arguments.js";
import { makeHandle, type HeapHandle } from "./handle.js";
import type { Allocator, RawInstance } from "./raw-module.js";
import { readStats, type HeapStats } from "./stats.js";
import { LiveViews, type MemoryViews } from "./views.js";

/** What a heap is made of. */
export interface HeapParts {
  readonly instance: RawInstance<number | bigint>;
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly control: number;
  readonly profile: string;
  readonly shared: boolean;
  readonly memory64: boolean;
}

/** `Symbol.dispose`, or what tools that translate `using` take where the language has none yet. */
const dispose = ((Symbol as { dispose?: symbol }).dispose ?? Symbol.for("Symbol.dispose")) as typeof Symbol.dispose;

const MAX_THREAD_ID = 2 ** 32 - 1;

/** A typed array that `alloc` made: the newest view of it, and what it takes to make another. */
interface Allocation {
  view: TypedArray;
  readonly type: TypedArrayConstructor<TypedArray>;
  readonly length: number;
  /** 0 once freed. */
  pointer: number;
}

/**
 * One thread's way into a heap. It belongs to the thread that called `createHeap` or `attachHeap` and cannot be sent to
 * another; send its `handle`. Blocks have no such bond: any thread attached to a heap may use and free any block of it.
 *
 * Pointers are addresses in the heap's memory: whole numbers above 0, multiples of 16, below 2^32 unless the memory is a 64-bit
 * one. Sizes are in bytes.
 *
 * Every call throws {@link InvalidArgumentError} for an argument of the wrong type or out of range, and
 * {@link HeapClosedError} after `close()`. With the `guard` profile every call that allocates or frees, and `close()`, can throw
 * `HeapCorruptionError`; the heap has then closed itself, without running any more of the allocator, because nothing that it
 * holds can be trusted. Its `memory` can still be looked at.
 */
export abstract class Heap implements MemoryViews {
  /** The memory that the heap lives in. Growing it is the allocator's business. */
  readonly memory: WebAssembly.Memory;
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
  readonly #allocations = new WeakMap<ArrayBufferView, Allocation>();
  #allocator: Allocator | undefined;
  #views: LiveViews | undefined;
  #closedBy: HeapCorruptionError | undefined;

  /** @internal Use `createHeap` or `attachHeap`. */
  constructor(parts: HeapParts) {
    this.memory = parts.memory;
    this.shared = parts.shared;
    this.memory64 = parts.memory64;
    this.profile = parts.profile;
    this.threadId = parts.instance.allocator.threadId();
    this.#parts = parts;
    this.#allocator = parts.instance.allocator;
    this.#largest = parts.instance.width.largest;
    this.#views = new LiveViews(parts.memory, parts.shared, parts.instance);
    parts.instance.onCorruption((error) => {
      this.#shut(error);
    });
  }

  // C-shaped calls: exhaustion is the result 0.

  /** A block of at least `size` bytes with unspecified contents, or 0 when memory is exhausted. `malloc(0)` is a block too. */
  abstract malloc(size: number): number;

  /**
   * Takes a block back. 0 is ignored, and so is an address that this heap never handed out (the `guard` profile throws).
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

  /** Bytes that the block at `pointer` can hold, at least what was asked for; 0 for an address that is no block. */
  abstract usableSize(pointer: number): number;

  // Typed calls: exhaustion throws.

  /**
   * A typed array of `length` zeros over a block of the heap. Free it with `free(view)`; nothing else does.
   *
   * In a private heap the array becomes empty when the memory grows; `live(array)` returns one that is not.
   * @throws {OutOfMemoryError} when memory is exhausted
   */
  alloc<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number): A {
    checkConstructor(type);
    return this.#adopt(type, length, this.calloc(1, byteLength(length, type.BYTES_PER_ELEMENT, this.#largest)));
  }

  /** As {@link alloc}, but the elements are what the memory last held: for arrays that are filled right away. */
  allocUnsafe<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number): A {
    checkConstructor(type);
    return this.#adopt(type, length, this.malloc(byteLength(length, type.BYTES_PER_ELEMENT, this.#largest)));
  }

  /**
   * The typed array that `alloc` returned as `array`, usable now: `array` itself unless the memory of a private heap has
   * grown, and otherwise a new one over the same elements. Cheap enough to call before each use.
   */
  live<A extends TypedArray>(array: A): A {
    this.#open();
    const allocation = this.#allocationOf(array);
    if (allocation.view.length !== allocation.length) {
      allocation.view = this.#construct(allocation.type, allocation.pointer, allocation.length);
      this.#allocations.set(allocation.view, allocation);
    }
    return allocation.view as A;
  }

  /** Address of a typed array that `alloc` returned, whether or not the memory has grown since. */
  pointerOf(array: TypedArray): number {
    this.#open();
    return this.#allocationOf(array).pointer;
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
    return this.#construct(type, pointer, length);
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

  // The heap as a whole.

  /** Figures about the heap, all threads together. */
  stats(): HeapStats {
    return readStats(this.#open());
  }

  /**
   * Empties this thread's caches and gives unused pages back to the heap, keeping `keep` bytes at hand.
   * @returns whether anything was given back
   */
  trim(keep = 0): boolean {
    if (!isWhole(keep, this.#largest)) refuseSize("keep", keep, this.#largest);
    return this.#open().trim(keep);
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
    if (!this.shared) {
      throw new HeapNotSharedError({
        problem: "a private heap has no handle, because its memory cannot be shared",
        remedy: "Create the heap with { shared: true }.",
        argument: "shared",
        value: false,
      });
    }
    const { memory, module, control, profile, memory64 } = this.#parts;
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

  /** Same as `close()`, for `using heap = …`. */
  [dispose](): void {
    this.close();
  }

  /** Makes every C-shaped call end in `refuse` from now on. */
  protected abstract disarm(refuse: () => never): void;

  /** The cold path of `free`: takes a typed array back. */
  protected freeArray(array: unknown): void {
    this.#open();
    if (!ArrayBuffer.isView(array)) refusePointer("block", array, this.#largest);
    const allocation = this.#allocationOf(array);
    const { pointer } = allocation;
    allocation.pointer = 0;
    this.free(pointer);
  }

  #adopt<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, pointer: number): A {
    if (pointer === 0) {
      const bytes = byteLength(length, type.BYTES_PER_ELEMENT, this.#largest);
      throw new OutOfMemoryError({
        problem: `the heap has no room for ${length} elements of ${type.BYTES_PER_ELEMENT} bytes (${bytes} in all)`,
        remedy: "Free blocks, ask for less, or create the heap with a larger maximum.",
        argument: "length",
        value: length,
      });
    }
    const view = this.#construct(type, pointer, length);
    this.#allocations.set(view, { view, type, length, pointer });
    return view;
  }

  #construct<A extends TypedArray>(type: TypedArrayConstructor<A>, pointer: number, length: number): A {
    return new type(this.#live().buffer, pointer, length);
  }

  #allocationOf(array: ArrayBufferView): Allocation {
    const allocation = this.#allocations.get(array);
    if (allocation === undefined || allocation.pointer === 0) {
      throw new InvalidArgumentError(
        "array",
        array,
        allocation === undefined
          ? "a typed array that alloc of this heap returned in this thread"
          : "a typed array that was not freed yet",
        allocation === undefined
          ? "Pass that array itself, no subarray of it; in another thread, pass its pointer."
          : "Keep one owner of each array, and drop the array where it is freed.",
      );
    }
    return allocation;
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
