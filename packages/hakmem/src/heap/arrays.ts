/**
 * The typed arrays that a heap has handed out: whose blocks they are over, and how they outlive the growth of a private memory.
 *
 * A block that is an array's can also be freed or moved by its address. Then the array must not be taken back again, by which
 * time the block may be somebody else's: so freeing by address asks here, by way of a filter that costs one load.
 */

import { InvalidArgumentError } from "../errors.js";
import type { TypedArray, TypedArrayConstructor } from "./arguments.js";

/** A block under an array. It does not know the array, so that arrays can be garbage-collected. */
export interface Block {
  /** 0 once it is not the array's any more. */
  pointer: number;
  /** Views of it that were not collected yet; counted only where collected arrays are released. */
  views: number;
}

/** The newest view of an array, and what it takes to make another. */
interface Allocation {
  view: TypedArray;
  readonly type: TypedArrayConstructor<TypedArray>;
  length: number;
  readonly block: Block;
}

const FILTER_BITS = 10;
/** Blocks begin at multiples of 16. */
const ALIGN_BITS = 4;

export class Arrays {
  readonly #allocations = new WeakMap<ArrayBufferView, Allocation>();
  readonly #blocks = new Map<number, Block>();
  readonly #collected: FinalizationRegistry<Block> | undefined;
  readonly #makeView: (type: TypedArrayConstructor<TypedArray>, pointer: number, length: number) => TypedArray;

  /** How many arrays begin at addresses with these bits in the middle; undefined before the first array. */
  filter: Uint32Array | undefined;

  /**
   * @param makeView makes a typed array over the memory as it is now
   * @param release frees the block of an array that was garbage-collected; undefined where such blocks stay
   */
  constructor(
    makeView: (type: TypedArrayConstructor<TypedArray>, pointer: number, length: number) => TypedArray,
    release: ((pointer: number) => void) | undefined,
  ) {
    this.#makeView = makeView;
    if (release === undefined) return;
    this.#collected = new FinalizationRegistry((block) => {
      if (--block.views > 0 || block.pointer === 0) return;
      const { pointer } = block;
      this.forget(pointer);
      release(pointer);
    });
  }

  /** An array over the block at `pointer`. */
  add<A extends TypedArray>(type: TypedArrayConstructor<A>, pointer: number, length: number): A {
    const view = this.#makeView(type, pointer, length) as A;
    // An array that was here gave up its block where nobody could see it: in another thread, or by another module.
    this.forget(pointer);
    const block = { pointer, views: 0 };
    this.#track({ view, type, length, block });
    this.#blocks.set(pointer, block);
    this.#count(pointer, 1);
    return view;
  }

  /** The array that began as `array`, over the memory as it is now. */
  live<A extends TypedArray>(array: A): A {
    const allocation = this.#find(array);
    if (allocation.view.length !== allocation.length || isDetached(allocation.view)) {
      allocation.view = this.#makeView(allocation.type, allocation.block.pointer, allocation.length);
      this.#track(allocation);
    }
    return allocation.view as A;
  }

  /** What `array` is, and its block, which stays the same as long as it is the array's, by whichever view. */
  find(array: ArrayBufferView): { type: TypedArrayConstructor<TypedArray>; length: number; block: Block } {
    return this.#find(array);
  }

  /** Notes that `array` is `length` elements long and begins at `pointer` now; returns it over the memory as it is. */
  move<A extends TypedArray>(array: A, pointer: number, length: number): A {
    const allocation = this.#find(array);
    const { block } = allocation;
    this.forget(block.pointer);
    this.forget(pointer);
    allocation.length = length;
    block.pointer = pointer;
    this.#blocks.set(pointer, block);
    this.#count(pointer, 1);
    allocation.view = this.#makeView(allocation.type, pointer, length);
    this.#track(allocation);
    return allocation.view as A;
  }

  /** Whether `array` is one of these and not freed. */
  has(array: ArrayBufferView): boolean {
    const allocation = this.#allocations.get(array);
    return allocation !== undefined && allocation.block.pointer !== 0;
  }

  /** Takes `array` out of these, and returns where its block begins. */
  remove(array: ArrayBufferView): number {
    const { pointer } = this.#find(array).block;
    this.forget(pointer);
    return pointer;
  }

  /** Notes that the block at `pointer` is no array's any more, if it was one's. */
  forget(pointer: number): void {
    const block = this.#blocks.get(pointer);
    if (block === undefined) return;
    block.pointer = 0;
    this.#blocks.delete(pointer);
    this.#count(pointer, -1);
  }

  /** Notes that all blocks are free. */
  forgetAll(): void {
    for (const block of this.#blocks.values()) block.pointer = 0;
    this.#blocks.clear();
    this.filter?.fill(0);
  }

  #count(pointer: number, change: number): void {
    this.filter ??= new Uint32Array(1 << FILTER_BITS);
    this.filter[slotOf(pointer)]! += change;
  }

  #track(allocation: Allocation): void {
    this.#allocations.set(allocation.view, allocation);
    if (this.#collected === undefined) return;
    allocation.block.views++;
    this.#collected.register(allocation.view, allocation.block);
  }

  #find(array: ArrayBufferView): Allocation {
    const allocation = this.#allocations.get(array);
    if (allocation === undefined || allocation.block.pointer === 0) {
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
}

/** Whether the memory has grown since an array of no elements was made, which its length does not tell. */
function isDetached(view: TypedArray): boolean {
  return view.length === 0 && view.buffer.byteLength === 0;
}

/** Where the filter counts the arrays at `pointer`, which may be beyond 2 ** 32. */
export function slotOf(pointer: number): number {
  return (pointer >>> ALIGN_BITS) & ((1 << FILTER_BITS) - 1);
}
