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
  realloc(pointer: number, size: number): number;
  resize<A extends TypedArray>(array: A, length: number): A;
  free(block: number | TypedArray): void;
  owns(array: TypedArray): boolean;
  /** Whether its use in this thread is over. */
  readonly closed: boolean;
  /** What stands for the block of an array, whichever view of it is given. */
  blockOf(array: TypedArray): object;
}

/**
 * Frees, when it ends, all that was allocated through it: `using scope = heap.scope()`. It belongs to the thread of its heap.
 * Every call is the heap's, with its results and errors; a call on a scope that has ended throws
 * {@link InvalidArgumentError}. `heap.freeAll()` and `heap.close()` end all scopes.
 *
 * An address that the scope allocated is freed, moved or kept by the scope: `heap.free` and `heap.realloc` do not know that it is
 * a scope's, which would free it a second time. Arrays can be freed and resized by either.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- its `[Symbol.dispose]`, which not all types have
export class HeapScope {
  readonly #heap: Source;
  readonly #age: number;
  /** By address, or by what stands for an array's block; last allocated last. */
  #blocks: Map<number | object, number | TypedArray> | undefined = new Map();

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

  /** As the heap's `realloc`, of a block of this scope, or of 0. */
  realloc(pointer: number, size: number): number {
    const heap = this.#open();
    if (pointer !== 0) this.#check(pointer);
    const moved = heap.realloc(pointer, size);
    if (moved !== 0) this.#blocks?.delete(pointer);
    return this.#add(moved);
  }

  /** As the heap's `resize`, of an array of this scope. */
  resize<A extends TypedArray>(array: A, length: number): A {
    const heap = this.#open();
    this.#check(array);
    return heap.resize(array, length);
  }

  /** Takes a block or array out of the scope, which will not free it then, and returns it. */
  keep<Block extends number | TypedArray>(block: Block): Block {
    this.#open();
    this.#blocks?.delete(this.#check(block));
    return block;
  }

  /** Frees a block or array of the scope before the scope ends. */
  free(block: number | TypedArray): void {
    this.#open().free(this.keep(block));
  }

  /**
   * Frees everything that the scope still has, but for arrays that were freed already. Ending it again does nothing, and so does
   * ending it after its heap was closed. When a block cannot be freed, the others are, and then its error is thrown.
   */
  end(): void {
    const blocks = this.#blocks;
    if (blocks === undefined) return;
    this.#blocks = undefined;
    const errors: unknown[] = [];
    for (const block of [...blocks.values()].reverse()) {
      if (this.#heap.closed || this.#heap.age !== this.#age) break;
      if (typeof block !== "number" && !this.#heap.owns(block)) continue;
      try {
        this.#heap.free(block);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  #add<Block extends number | TypedArray>(block: Block): Block {
    if (block !== 0) this.#blocks?.set(this.#key(block), block);
    return block;
  }

  #key(block: number | TypedArray): number | object {
    if (typeof block === "number") return block;
    if (ArrayBuffer.isView(block)) return this.#heap.blockOf(block);
    throw new InvalidArgumentError(
      "block",
      block,
      "an address or a typed array",
      "Pass what the scope's call returned.",
    );
  }

  /** Refuses what is not the scope's; returns by what it is known. */
  #check(block: number | TypedArray): number | object {
    const key = this.#key(block);
    if (this.#blocks?.has(key) === true) return key;
    throw new InvalidArgumentError(
      "block",
      block,
      "what this scope allocated and has not given up",
      "Pass the number that the scope's call returned, or the array or a later view of it.",
    );
  }

  #open(): Source {
    if (this.#blocks !== undefined && this.#heap.age === this.#age && !this.#heap.closed) return this.#heap;
    throw new InvalidArgumentError("scope", this, "one that has not ended", "Make a new one with heap.scope().");
  }
}

/** Ended by the end of the block of `using scope = …`. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type -- as above
export interface HeapScope extends AutoDisposable {}

makeDisposable(HeapScope.prototype, function () {
  this.end();
});
