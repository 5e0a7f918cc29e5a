/** One instance of the linked module: a thread of the program, with whichever thread of the heap it is just now. */

import { PAGE_BYTES } from "../../lab/arena.js";
import { SHARE_BYTES, type Fault, type WasmJob } from "./protocol.js";

/** An export takes and gives i32s or i64s. */
type Word = number | bigint;
type Exports = Readonly<Record<string, ((...args: Word[]) => Word) | undefined>>;

/** Where the checker's own memory begins: address 0 is no block's. */
const ARENA = PAGE_BYTES;

/** The checker or the guard has found something; the module has not returned from its call. */
export class FaultError extends Error {
  override readonly name = "FaultError";
  constructor(readonly fault: Omit<Fault, "thread" | "operation">) {
    super("fault");
  }
}

export function createMemory({ wide, shared, basePages, heapPages }: WasmJob): WebAssembly.Memory {
  const [initial, maximum] = [basePages, basePages + heapPages];
  if (!wide) return new WebAssembly.Memory({ initial, maximum, shared });
  const descriptor = { initial: BigInt(initial), maximum: BigInt(maximum), shared, address: "i64" };
  return new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
}

export class SoakInstance {
  readonly #exports: Exports;
  readonly #wide: boolean;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, job: WasmJob) {
    this.#wide = job.wide;
    this.#exports = new WebAssembly.Instance(module, {
      host: { memory, fail },
      env: { hakmem_fail: reportMisuse },
    }).exports as Exports;
    const { threads, slots, basePages, heapPages } = job;
    const base = this.#address(basePages * PAGE_BYTES);
    const end = this.#call(
      "soak_board",
      this.#address(ARENA),
      threads,
      slots,
      base,
      this.#address((basePages + heapPages) * PAGE_BYTES),
      SHARE_BYTES,
    );
    if (this.#number(end) > basePages * PAGE_BYTES) throw new Error(`the checker's tables end at ${end}, in the heap`);
  }

  layOut(): void {
    this.#call("soak_lay_out");
  }

  begin(thread: number, seed: number): void {
    this.#call("soak_begin", thread, seed);
  }

  /** Runs until the thread has done `operations`. */
  run(operations: number): void {
    this.#call("soak_run", BigInt(operations));
  }

  /** Frees all that the thread has. */
  finish(): void {
    this.#call("soak_finish");
  }

  /** Frees all that is in the mailboxes. */
  drain(): void {
    this.#call("soak_drain");
  }

  figure(name: "operations" | "refused" | "received" | "claimed", thread: number): number {
    return Number(this.#call(`soak_${name}`, thread));
  }

  get firstClaimed(): number {
    return this.#number(this.#call("soak_first_claimed"));
  }

  /** Gives this instance a heap; `control` is 0 for a new one. Returns the control block's address. */
  init(control: number): number {
    const found = this.#number(this.#call("thread_init", this.#address(control)));
    if (found === 0) throw new FaultError({ message: `thread_init(${control}) returned 0` });
    return found;
  }

  exit(): void {
    this.#call("thread_exit");
  }

  trim(): void {
    this.#call("malloc_trim", this.#address(0));
  }

  /** Guard builds only: looks at every block. */
  checkHeap(): void {
    if (this.#exports["heap_check"] !== undefined) this.#call("heap_check");
  }

  stat(what: number): number {
    return this.#number(this.#call("heap_stat", what));
  }

  #call(name: string, ...args: Word[]): Word {
    const target = this.#exports[name];
    if (target === undefined) throw new Error(`the linked module does not export ${name}`);
    return target(...args);
  }

  #address(value: number): Word {
    return this.#wide ? BigInt(value) : value;
  }

  #number(value: Word): number {
    return typeof value === "bigint" ? Number(BigInt.asUintN(64, value)) : value >>> 0;
  }
}

function fail(kind: number, block: Word, size: Word, at: Word, expected: Word, found: Word): never {
  throw new FaultError({
    kind,
    block: hex(block),
    size: hex(size),
    at: hex(at),
    expected: hex(expected),
    found: hex(found),
  });
}

function reportMisuse(cause: number, block: Word, size: Word, at: Word, value: number): never {
  throw new FaultError({
    message: `guard reports misuse ${cause} of 0x${hex(block)} (0x${hex(size)} bytes) at 0x${hex(at)}: ${value}`,
  });
}

function hex(value: Word): string {
  return (typeof value === "bigint" ? BigInt.asUintN(64, value) : value >>> 0).toString(16);
}
