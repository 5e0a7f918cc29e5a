/**
 * The cold half of argument checks: what is said about a number or a constructor that a call cannot take.
 *
 * The hot calls test their arguments in place, `typeof x !== 'number' || x >>> 0 !== x`, and come here only to throw.
 */

import { InvalidArgumentError } from "../errors.js";

/** Largest size or address that a 32-bit heap can name. */
export const MAX_UINT32 = 0xffff_ffff;

export function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

export function refuseSize(argument: string, value: unknown): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `a whole number of bytes from 0 to ${MAX_UINT32}`,
    "Round sizes that are computed, and check them before the call.",
  );
}

export function refuseCount(argument: string, value: unknown): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `a whole number from 0 to ${MAX_UINT32}`,
    "Round counts that are computed, and check them before the call.",
  );
}

export function refusePointer(argument: string, value: unknown): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `an address of the heap, a whole number from 0 to ${MAX_UINT32}`,
    "Pass the number that an allocating call returned, unchanged.",
  );
}

export function refuseAlignment(argument: string, value: unknown): never {
  throw new InvalidArgumentError(
    argument,
    value,
    "a power of two from 1 to 2147483648",
    "Use 64 for a cache line, or malloc when 16 bytes are enough.",
  );
}

/** Any of the language's typed arrays, over a private or a shared memory. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** The constructor of a typed array: `Float32Array`, `Uint8Array`, … */
export interface TypedArrayConstructor<A extends TypedArray> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

const TypedArrayBase: unknown = Object.getPrototypeOf(Uint8Array);

export function checkConstructor(value: unknown): void {
  if (typeof value === "function" && Object.getPrototypeOf(value) === TypedArrayBase) return;
  throw new InvalidArgumentError(
    "type",
    value,
    "the constructor of a typed array",
    "Pass Float32Array, Uint8Array or another one itself, not an instance and not its name.",
  );
}

/** Bytes of `length` elements; refuses what is no length or what 32 bits cannot count. */
export function byteLength(length: number, bytesPerElement: number): number {
  const bytes = length * bytesPerElement;
  if (isUint32(length) && bytes <= MAX_UINT32) return bytes;
  throw new InvalidArgumentError(
    "length",
    length,
    `a whole number of elements from 0 to ${Math.floor(MAX_UINT32 / bytesPerElement)}`,
    "Round lengths that are computed, and split what is larger.",
  );
}
