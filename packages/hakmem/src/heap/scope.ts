/** Blocks that are freed together. */

import { InvalidArgumentError } from "../errors.js";
import type { AllocOptions, TypedArray, TypedArrayConstructor } from "./arguments.js";
import { makeDisposable, type AutoDisposable } from "./dispose.js";

/** As much of a heap as its scopes need. */
interface Source {
  /** How often everything has been freed. */
  readonly age: number;
  malloc(size: number): number;
  calloc(count: number, size: number): number;
  alignedAlloc(alignment: number, size: number): number;
  alloc<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A;
  allocUnsafe<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A;
  allocString(text: string): Uint8Array;
  free(block: number | TypedArray): void;
}

/**
 * Frees, when it ends, all that was allocated through it: `using scope = heap.scope()`. It belongs to the thread of its heap.
 * Every call is the heap's, with its results and errors; a call on a scope that has ended throws
 * {@link InvalidArgumentError}. `heap.freeAll()` ends all scopes.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- its `[Symbol.dispose]`, which not all types have
export class HeapScope {
  readonly #heap: Source;
  readonly #age: number;
  /** Last allocated last. */
  #blocks: Set<number | TypedArray> | undefined = new Set();

  /** @internal Use `heap.scope()`. */
  constructor(heap: Source) {
    this.#heap = heap;
    this.#age = heap.age;
  }

  /** As the heap's `malloc`. */
  malloc(size: number): number {
    return this.#add(this.#open().malloc(size));
  }

  /** As the heap's `calloc`. */
  calloc(count: number, size: number): number {
    return this.#add(this.#open().calloc(count, size));
  }

  /** As the heap's `alignedAlloc`. */
  alignedAlloc(alignment: number, size: number): number {
    return this.#add(this.#open().alignedAlloc(alignment, size));
  }

  /** As the heap's `alloc`. */
  alloc<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A {
    return this.#add(this.#open().alloc(type, length, options));
  }

  /** As the heap's `allocUnsafe`. */
  allocUnsafe<A extends TypedArray>(type: TypedArrayConstructor<A>, length: number, options?: AllocOptions): A {
    return this.#add(this.#open().allocUnsafe(type, length, options));
  }

  /** As the heap's `allocString`. */
  allocString(text: string): Uint8Array {
    return this.#add(this.#open().allocString(text));
  }

  /** Takes a block or array out of the scope, which will not free it then, and returns it. */
  keep<Block extends number | TypedArray>(block: Block): Block {
    this.#open();
    if (this.#blocks?.delete(block) === true) return block;
    throw new InvalidArgumentError(
      "block",
      block,
      "what this scope allocated and has not given up",
      "Pass the number or the array itself that the scope's call returned.",
    );
  }

  /** Frees a block or array of the scope before the scope ends. */
  free(block: number | TypedArray): void {
    this.#open().free(this.keep(block));
  }

  /** Frees everything that the scope still has. Ending it again does nothing. */
  end(): void {
    const blocks = this.#blocks;
    if (blocks === undefined) return;
    this.#blocks = undefined;
    if (this.#heap.age !== this.#age) return;
    for (const block of [...blocks].reverse()) this.#heap.free(block);
  }

  #add<Block extends number | TypedArray>(block: Block): Block {
    if (block !== 0) this.#blocks?.add(block);
    return block;
  }

  #open(): Source {
    if (this.#blocks !== undefined && this.#heap.age === this.#age) return this.#heap;
    throw new InvalidArgumentError("scope", this, "one that has not ended", "Make a new one with heap.scope().");
  }
}

/** Ended by the end of the block of `using scope = …`. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type -- as above
export interface HeapScope extends AutoDisposable {}

makeDisposable(HeapScope.prototype, function () {
  this.end();
});
