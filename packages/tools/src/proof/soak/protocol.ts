/** What a round of the soak is, and what its process says: lines of JSON on standard output, each a {@link Message}. */

/** Targets that a soak can run on; native is this machine's architecture. */
export const SOAK_TARGETS = ["wasm32-shared", "wasm64-shared", "wasm32", "wasm64", `native-${process.arch}`] as const;
export type SoakTarget = (typeof SOAK_TARGETS)[number];

/** What threads may hold together, in bytes, while none of them exhausts memory. */
export const SHARE_BYTES = 96 * 2 ** 20;
/** Bytes that a heap can have at most: what is more than the share is for exhausting it, and for what lies between blocks. */
export const HEAP_BYTES = 256 * 2 ** 20;

export interface Figures {
  /** Calls whose answers were checked. */
  readonly operations: number;
  /** Requests that were refused while memory was exhausted. */
  readonly refused: number;
  /** Blocks that one thread took over from another. */
  readonly received: number;
  /** Threads that the heap has had. */
  readonly lives: number;
  /** Most memory that the heap has taken. */
  readonly peakBytes: number;
}

/** The first thing that was not as it must be. Numbers as hexadecimal digits: JSON has none of 64 bits. */
export interface Fault {
  readonly thread: number;
  /** Operations that the thread had done. */
  readonly operation: number;
  /** One of `bench/workloads/soak/fault.ts`, with the numbers that it names; absent when the message says all. */
  readonly kind?: number;
  readonly block?: string;
  readonly size?: string;
  readonly at?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly message?: string;
}

export type Message =
  { readonly done: number } | { readonly fault: Fault } | { readonly result: Figures & { readonly profile?: string } };

/** What a process of WebAssembly is told. */
export interface WasmJob {
  /** Path of the linked module. */
  readonly module: string;
  /** Whether addresses are 64 bits wide. */
  readonly wide: boolean;
  readonly shared: boolean;
  readonly threads: number;
  readonly operations: number;
  readonly seed: number;
  /** Slots of each thread. */
  readonly slots: number;
  /** Where the heap begins, in 64 KiB. */
  readonly basePages: number;
  /** How far it can grow, in 64 KiB. */
  readonly heapPages: number;
}

const KINDS: Readonly<Record<number, string>> = {
  1: "a block overlaps another",
  2: "a block does not hold what was written to it",
  3: "a block of calloc is not zero",
  4: "a block is not aligned as it was asked for",
  5: "a request was refused although memory is not exhausted",
  6: "the usable size is less than what was asked for",
  7: "a block lies outside the heap",
  8: "a call answered what it must not",
};

/** A fault in words. */
export function describeFault({ thread, operation, kind, message, ...numbers }: Fault): string {
  const where = `thread ${thread}, after ${operation} operations`;
  if (kind === undefined) return `${message ?? "no reason given"} (${where})`;
  const { block = "0", size = "0", at = "0", expected = "0", found = "0" } = numbers;
  const what = KINDS[kind] ?? `fault ${kind}`;
  return (
    `${what}: block 0x${block} of ${BigInt(`0x${size}`)} bytes, at 0x${at}: expected 0x${expected}, found 0x${found}` +
    ` (${where})${message === undefined ? "" : `\n${message}`}`
  );
}
