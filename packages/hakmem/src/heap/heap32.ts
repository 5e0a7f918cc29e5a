/**
 * The C-shaped calls over a 32-bit memory.
 *
 * This is the hot path of the library. Each call is a test of its arguments and a call of the module's export, which an
 * optimising engine turns into a direct call as long as the field holds one function at one place in the program. So: fields,
 * not a table; the tests in place, not behind a function; and closing replaces the functions instead of setting a flag.
 */

import { slotOf } from "./arrays.js";
import { isWhole, refuseAlignment, refuseCount, refusePointer, refuseSize, type TypedArray } from "./arguments.js";
import { Heap, type HeapParts } from "./heap.js";
import type { RawExports, RawInstance } from "./raw-module.js";
import { WIDTH_32 } from "./width.js";

const LARGEST = WIDTH_32.largest;

export class Heap32 extends Heap {
  #malloc!: RawExports<number>["malloc"];
  #free!: RawExports<number>["free"];
  #calloc!: RawExports<number>["calloc"];
  #realloc!: RawExports<number>["realloc"];
  #alignedAlloc!: RawExports<number>["aligned_alloc"];
  #usableSize!: RawExports<number>["malloc_usable_size"];

  constructor(parts: HeapParts & { readonly instance: RawInstance<number> }) {
    super(parts);
    this.arm(parts.instance.exports);
  }

  override malloc(size: number): number {
    if (typeof size !== "number" || size >>> 0 !== size) refuseSize("size", size, LARGEST);
    return this.#malloc(size) >>> 0;
  }

  override free(block: number | TypedArray): void {
    if (typeof block !== "number") {
      this.freeArray(block);
      return;
    }
    if (block >>> 0 !== block) refusePointer("block", block, LARGEST);
    if (this.arrayFilter !== undefined && this.arrayFilter[slotOf(block)] !== 0) this.forgetArray(block);
    this.#free(block);
  }

  override calloc(count: number, size: number): number {
    if (!isWhole(count, LARGEST)) refuseCount("count", count, LARGEST);
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    return this.#calloc(count, size) >>> 0;
  }

  override realloc(pointer: number, size: number): number {
    if (!isWhole(pointer, LARGEST)) refusePointer("pointer", pointer, LARGEST);
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    const moved = this.#realloc(pointer, size) >>> 0;
    if (moved !== 0 && this.arrayFilter !== undefined && this.arrayFilter[slotOf(pointer)] !== 0)
      this.forgetArray(pointer);
    return moved;
  }

  override alignedAlloc(alignment: number, size: number): number {
    if (!isWhole(alignment, LARGEST) || alignment === 0 || (alignment & (alignment - 1)) !== 0) {
      refuseAlignment("alignment", alignment, LARGEST);
    }
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    return this.#alignedAlloc(alignment, size) >>> 0;
  }

  override usableSize(pointer: number): number {
    if (!isWhole(pointer, LARGEST)) refusePointer("pointer", pointer, LARGEST);
    return this.#usableSize(pointer) >>> 0;
  }

  protected override arm(exports: RawExports<number>): void {
    this.#malloc = exports.malloc;
    this.#free = exports.free;
    this.#calloc = exports.calloc;
    this.#realloc = exports.realloc;
    this.#alignedAlloc = exports.aligned_alloc;
    this.#usableSize = exports.malloc_usable_size;
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
