/**
 * Every error that the library throws on purpose: what was wrong, with the value, and what to do about it.
 *
 * Catch {@link HakmemError} for all of them, a subclass for one kind, or compare `code` where `instanceof` cannot work, as
 * behind a worker's `error` event.
 */

/** Stable names of the kinds of errors; the text of messages may change, these do not. */
export type HakmemErrorCode =
  | "HAKMEM_INVALID_ARGUMENT"
  | "HAKMEM_OUT_OF_MEMORY"
  | "HAKMEM_HEAP_CLOSED"
  | "HAKMEM_HEAP_NOT_SHARED"
  | "HAKMEM_HEAP_SHARED"
  | "HAKMEM_INVALID_HANDLE"
  | "HAKMEM_NOT_CROSS_ORIGIN_ISOLATED"
  | "HAKMEM_UNSUPPORTED"
  | "HAKMEM_MODULE"
  | "HAKMEM_HEAP_CORRUPTION";

/** What an error of the library is made of. */
export interface HakmemErrorDetails {
  /** What is wrong, without the value: one sentence without its full stop. */
  readonly problem: string;
  /** What the caller can do: one sentence with its full stop. */
  readonly remedy: string;
  /** Name of the argument or option at fault. */
  readonly argument?: string;
  /** What was passed for it. */
  readonly value?: unknown;
  readonly cause?: unknown;
}

/**
 * What every error of the library is. Catch it for all of them, a subclass for one kind, or compare `code` where `instanceof` cannot
 * work, as behind a worker's `error` event.
 */
export abstract class HakmemError extends Error {
  /** Which kind of error it is, where `instanceof` cannot tell. */
  abstract readonly code: HakmemErrorCode;
  /** Name of the argument or option at fault; undefined when no single one is. */
  readonly argument: string | undefined;
  /** What was passed for it. */
  readonly value: unknown;
  /** What the caller can do: one sentence. */
  readonly remedy: string;

  constructor({ problem, remedy, argument, value, cause }: HakmemErrorDetails) {
    super(`${problem}. ${remedy}`, cause === undefined ? undefined : { cause });
    this.argument = argument;
    this.value = value;
    this.remedy = remedy;
  }
}

/** An argument or option is of the wrong type or out of range. */
export class InvalidArgumentError extends HakmemError {
  override readonly name = "InvalidArgumentError";
  readonly code = "HAKMEM_INVALID_ARGUMENT";

  /** @param rule what the value must be, as the end of the sentence "argument must be …" */
  constructor(argument: string, value: unknown, rule: string, remedy: string);
  constructor(details: HakmemErrorDetails);
  constructor(argument: string | HakmemErrorDetails, value?: unknown, rule = "", remedy = "") {
    super(
      typeof argument === "string"
        ? { problem: `${argument} must be ${rule}, but it is ${describe(value)}`, remedy, argument, value }
        : argument,
    );
  }
}

/** The heap has no room and cannot grow. Only typed calls and constructors throw it; C-shaped calls return 0. */
export class OutOfMemoryError extends HakmemError {
  override readonly name = "OutOfMemoryError";
  readonly code = "HAKMEM_OUT_OF_MEMORY";
}

/** A call on a heap after `close()`, or after it closed itself because it found corruption (see `cause`). */
export class HeapClosedError extends HakmemError {
  override readonly name = "HeapClosedError";
  readonly code = "HAKMEM_HEAP_CLOSED";
}

/** Something that only a shared heap can do was asked of a private one. */
export class HeapNotSharedError extends HakmemError {
  override readonly name = "HeapNotSharedError";
  readonly code = "HAKMEM_HEAP_NOT_SHARED";
}

/** Something that only a private heap can do was asked of a shared one. */
export class HeapSharedError extends HakmemError {
  override readonly name = "HeapSharedError";
  readonly code = "HAKMEM_HEAP_SHARED";
}

/** What was given to `attachHeap` is no handle, one of another version, or one of a heap with another configuration. */
export class InvalidHandleError extends HakmemError {
  override readonly name = "InvalidHandleError";
  readonly code = "HAKMEM_INVALID_HANDLE";
}

/** Shared memory was asked for on a page that is not cross-origin isolated, which therefore cannot share it. */
export class NotCrossOriginIsolatedError extends HakmemError {
  override readonly name = "NotCrossOriginIsolatedError";
  readonly code = "HAKMEM_NOT_CROSS_ORIGIN_ISOLATED";
}

/** The engine lacks something that was asked for. */
export class UnsupportedError extends HakmemError {
  override readonly name = "UnsupportedError";
  readonly code = "HAKMEM_UNSUPPORTED";
}

/** The allocator's WebAssembly module cannot be found, read, compiled or linked. */
export class ModuleError extends HakmemError {
  override readonly name = "ModuleError";
  readonly code = "HAKMEM_MODULE";
}

/** What the `guard` and `hardened` profiles can find wrong; the last two are what `hardened` alone says. */
export type CorruptionKind =
  | "double free"
  | "foreign pointer"
  | "interior pointer"
  | "use after free"
  | "overflow"
  | "underflow"
  | "wrong size"
  | "wrong alignment"
  | "wrong function"
  | "not a block"
  | "broken link"
  | "unknown";

/** The `guard` or `hardened` profile found a broken program. The heap has closed itself: nothing it holds can be trusted. */
export class HeapCorruptionError extends HakmemError {
  override readonly name = "HeapCorruptionError";
  readonly code = "HAKMEM_HEAP_CORRUPTION";

  /** What the call was given, or the address of the byte that was written; the same as `value`. */
  readonly pointer: number;
  /** The block that it is about, as the allocating call returned it; `pointer` where there is none. */
  readonly block: number;
  /** What was asked for when that block was allocated, in bytes. */
  readonly size: number;
  /**
   * What the `guard` profile knows of the block, in lines of text: its slab, the blocks beside it, and up to 64 operations on the blocks of its page,
   * the latest first. Empty where nothing is known.
   */
  readonly report: string;

  /** @internal */
  constructor(
    /** What was found. */
    readonly kind: CorruptionKind,
    details: {
      readonly at: number;
      readonly block: number;
      readonly size: number;
      readonly report: string;
      readonly problem: string;
      readonly remedy: string;
    },
  ) {
    const { at, block, size, report, problem, remedy } = details;
    super({ problem, remedy, argument: "pointer", value: at });
    this.pointer = at;
    this.report = report;
    this.block = block;
    this.size = size;
  }
}

const LONGEST_QUOTE = 60;

/** A value as it appears in a message: short, and enough to recognise it. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}…` : value);
    case "bigint":
      return `${value}n`;
    case "function":
      return value.name === "" ? "a function" : `the function ${value.name}`;
    case "object":
      return value === null ? "null" : describeObject(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return tag === "Object" ? "an object" : `${/^[AEIO]/.test(tag) ? "an" : "a"} ${tag}`;
}

/** An address as it appears in messages. */
export function hex(pointer: number): string {
  return `0x${pointer.toString(16).padStart(8, "0")}`;
}
