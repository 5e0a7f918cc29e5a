/**
 * The cold half of argument checks: what is said about a number or a constructor that a call cannot take.
 *
 * The hot calls test their arguments in place, `typeof x !== "number" || x >>> 0 !== x`, and come here only to throw.
 * `largest` is always the largest size or address that the heap can name.
 */

import { InvalidArgumentError } from "../errors.js";

/** Whether `value` is a whole number from 0 to `largest`. */
export function isWhole(value: unknown, largest: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest;
}

export function refuseSize(argument: string, value: unknown, largest: number): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `a whole number of bytes from 0 to ${largest}`,
    remedyFor(value, "Round sizes that are computed, and check them before the call."),
  );
}

/** What to do about `value`, which is no number or, with the remedy `otherwise`, a wrong one. */
function remedyFor(value: unknown, otherwise: string): string {
  if (typeof value === "number") return otherwise;
  return typeof value === "string" || typeof value === "bigint" ? "Convert it with Number(…)." : "Pass a number.";
}

export function refuseCount(argument: string, value: unknown, largest: number): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `a whole number from 0 to ${largest}`,
    remedyFor(value, "Round counts that are computed, and check them before the call."),
  );
}

export function refusePointer(argument: string, value: unknown, largest: number): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `an address of the heap, a whole number from ${value === 0 ? 1 : 0} to ${largest}`,
    "Pass the number that an allocating call returned, unchanged.",
  );
}

export function refuseAlignment(argument: string, value: unknown, largest: number): never {
  throw new InvalidArgumentError(
    argument,
    value,
    `a power of two from 1 to ${2 ** Math.floor(Math.log2((largest + 1) / 2))}`,
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
  | BigUint64Array
  | Float16<Float32Array>;

/** `Float16Array` where the types of the language have it. */
export type Float16<Otherwise> = typeof globalThis extends { Float16Array: { readonly prototype: infer A } }
  ? A
  : Otherwise;

/** The constructor of a typed array: `Float32Array`, `Uint8Array`, … */
export interface TypedArrayConstructor<A extends TypedArray> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  /** Size of an element. */
  readonly BYTES_PER_ELEMENT: number;
}

/** Refuses options that are no object, or have other names than `names`. */
export function checkNames(options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError("options", options, "an object", "Leave it out for all defaults.");
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const meant = names.find((known) => known.toLowerCase() === name.toLowerCase());
    throw new InvalidArgumentError({
      problem: `there is no option ${name}; there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`,
      remedy: meant === undefined ? "Remove it, or correct its spelling." : `Write ${meant}.`,
      argument: "options",
      value: name,
    });
  }
}

const ALLOC_OPTIONS = ["alignment"];

/** The alignment that was asked for, unchecked; undefined for none. */
export function alignmentOf(options: AllocOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  checkNames(options, ALLOC_OPTIONS);
  return options.alignment;
}

/** How `alloc` may be asked. */
export interface AllocOptions {
  /** A power of two that the array's address shall be a multiple of; 16 unless given. */
  readonly alignment?: number;
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

/** The zero of the elements of such arrays. */
export function zeroOf(type: TypedArrayConstructor<TypedArray>): number | bigint {
  const constructor: unknown = type;
  return constructor === BigInt64Array || constructor === BigUint64Array ? 0n : 0;
}

/** Bytes of `length` elements, or bytes; refuses what is no length or what the heap cannot count. */
export function byteLength(length: number, bytesPerElement: number, largest: number, unit = "elements"): number {
  if (isWhole(length, largest) && length * bytesPerElement <= largest) return length * bytesPerElement;
  throw new InvalidArgumentError(
    "length",
    length,
    `a whole number of ${unit} from 0 to ${Math.floor(largest / bytesPerElement)}`,
    remedyFor(length, "Round lengths that are computed, and split what is larger."),
  );
}
