/**
 * The C-shaped calls over a 64-bit memory: numbers for programs, bigints for the module.
 *
 * Addresses up to 2 ** 53 are exact as numbers, and no memory is that large. The conversions cost more than the allocator.
 */

import { slotOf } from "./arrays.js";
import { isWhole, refuseAlignment, refuseCount, refusePointer, refuseSize, type TypedArray } from "./arguments.js";
import { Heap, type HeapParts } from "./heap.js";
import type { RawExports, RawInstance } from "./raw-module.js";
import { WIDTH_64 } from "./width.js";

const LARGEST = WIDTH_64.largest;

export class Heap64 extends Heap {
  #malloc!: RawExports<bigint>["malloc"];
  #free!: RawExports<bigint>["free"];
  #calloc!: RawExports<bigint>["calloc"];
  #realloc!: RawExports<bigint>["realloc"];
  #alignedAlloc!: RawExports<bigint>["aligned_alloc"];
  #usableSize!: RawExports<bigint>["malloc_usable_size"];

  constructor(parts: HeapParts & { readonly instance: RawInstance<bigint> }) {
    super(parts);
    this.arm(parts.instance.exports);
  }

  override malloc(size: number): number {
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    return Number(this.#malloc(BigInt(size)));
  }

  override free(block: number | TypedArray): void {
    if (typeof block !== "number") {
      this.freeArray(block);
      return;
    }
    if (!isWhole(block, LARGEST)) refusePointer("block", block, LARGEST);
    if (this.arrayFilter !== undefined && this.arrayFilter[slotOf(block)] !== 0) this.forgetArray(block);
    this.#free(BigInt(block));
  }

  override calloc(count: number, size: number): number {
    if (!isWhole(count, LARGEST)) refuseCount("count", count, LARGEST);
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    return Number(this.#calloc(BigInt(count), BigInt(size)));
  }

  override realloc(pointer: number, size: number): number {
    if (!isWhole(pointer, LARGEST)) refusePointer("pointer", pointer, LARGEST);
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    const moved = Number(this.#realloc(BigInt(pointer), BigInt(size)));
    if (moved !== 0 && this.arrayFilter !== undefined && this.arrayFilter[slotOf(pointer)] !== 0)
      this.forgetArray(pointer);
    return moved;
  }

  override alignedAlloc(alignment: number, size: number): number {
    if (!isWhole(alignment, LARGEST) || alignment === 0 || (BigInt(alignment) & (BigInt(alignment) - 1n)) !== 0n) {
      refuseAlignment("alignment", alignment, LARGEST);
    }
    if (!isWhole(size, LARGEST)) refuseSize("size", size, LARGEST);
    return Number(this.#alignedAlloc(BigInt(alignment), BigInt(size)));
  }

  override usableSize(pointer: number): number {
    if (!isWhole(pointer, LARGEST)) refusePointer("pointer", pointer, LARGEST);
    return Number(this.#usableSize(BigInt(pointer)));
  }

  protected override arm(exports: RawExports<bigint>): void {
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
