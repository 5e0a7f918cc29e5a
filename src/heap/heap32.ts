/**
 * The C-shaped calls over a 32-bit memory.
 *
 * This is the hot path of the library. Each call is a test of its arguments and a call of the module's export, which an
 * optimising engine turns into a direct call as long as the field holds one function at one place in the program. So: fields,
 * not a table; the tests in place, not behind a function; and closing replaces the functions instead of setting a flag.
 */

import { isUint32, refuseAlignment, refuseCount, refusePointer, refuseSize, type TypedArray } from "./arguments.js";
import { Heap, type HeapParts } from "./heap.js";
import type { RawExports } from "./raw-module.js";

export class Heap32 extends Heap {
  #malloc: RawExports["malloc"];
  #free: RawExports["free"];
  #calloc: RawExports["calloc"];
  #realloc: RawExports["realloc"];
  #alignedAlloc: RawExports["aligned_alloc"];
  #usableSize: RawExports["malloc_usable_size"];

  constructor(parts: HeapParts) {
    super(parts);
    const { exports } = parts.instance;
    this.#malloc = exports.malloc;
    this.#free = exports.free;
    this.#calloc = exports.calloc;
    this.#realloc = exports.realloc;
    this.#alignedAlloc = exports.aligned_alloc;
    this.#usableSize = exports.malloc_usable_size;
  }

  override malloc(size: number): number {
    if (typeof size !== "number" || size >>> 0 !== size) refuseSize("size", size);
    return this.#malloc(size) >>> 0;
  }

  override free(block: number | TypedArray): void {
    if (typeof block !== "number") {
      this.freeArray(block);
      return;
    }
    if (block >>> 0 !== block) refusePointer("block", block);
    this.#free(block);
  }

  override calloc(count: number, size: number): number {
    if (!isUint32(count)) refuseCount("count", count);
    if (!isUint32(size)) refuseSize("size", size);
    return this.#calloc(count, size) >>> 0;
  }

  override realloc(pointer: number, size: number): number {
    if (!isUint32(pointer)) refusePointer("pointer", pointer);
    if (!isUint32(size)) refuseSize("size", size);
    return this.#realloc(pointer, size) >>> 0;
  }

  override alignedAlloc(alignment: number, size: number): number {
    if (!isUint32(alignment) || alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      refuseAlignment("alignment", alignment);
    }
    if (!isUint32(size)) refuseSize("size", size);
    return this.#alignedAlloc(alignment, size) >>> 0;
  }

  override usableSize(pointer: number): number {
    if (!isUint32(pointer)) refusePointer("pointer", pointer);
    return this.#usableSize(pointer) >>> 0;
  }

  protected override disarm(refuse: () => never): void {
    this.#malloc = refuse;
    this.#free = refuse;
    this.#calloc = refuse;
    this.#realloc = refuse;
    this.#alignedAlloc = refuse;
    this.#usableSize = refuse;
  }
}
