import type { Build } from "./builds.js";

/** 64 KiB: the unit in which WebAssembly memories grow. */
export const WASM_PAGE = 65536;

/** What `heap_stat` is asked. */
export enum Stat {
  Committed,
  Live,
  Cached,
  Threads,
  FreePages,
  Metadata,
}

/** What `class_stat` is asked. */
export enum ClassStat {
  BlockSize,
  Slabs,
  Live,
  Cached,
}

/** What `region_kind` answers. */
export enum Kind {
  Foreign,
  Small,
  Large,
  Huge,
  Metadata,
}

/** What `hakmem_fail` is called with. */
export enum Cause {
  DoubleFree = 1,
  Foreign,
  Interior,
  UseAfterFree,
  Overflow,
  Underflow,
  WrongSize,
  WrongAlignment,
  WrongFunction,
  NotABlock,
  BrokenLink,
}

/** A guard or hardened build found a mistake of the program. */
export class Misuse extends Error {
  constructor(
    override readonly cause: Cause,
    /** The block that it is about, and what was asked for. */
    readonly block: number,
    readonly size: number,
    /** Where, and what: a bad byte, or what a call was given. */
    readonly at: number,
    readonly value: number,
  ) {
    super(`misuse ${cause} of ${block} (${size} bytes) at ${at}: ${value}`);
  }
}

/** An export takes and gives i32s, or i64s where addresses are 64 bits wide. */
type Word = number | bigint;
type Exports = Record<string, (...args: Word[]) => Word>;

/** A memory for modules of one build: nothing in it, and no more than `maximumPages` of 64 KiB. */
export class RawMemory {
  readonly memory: WebAssembly.Memory;
  #bytes = new Uint8Array();

  constructor(
    readonly build: Build,
    readonly maximumPages: number,
    initialPages = 0,
  ) {
    this.memory = makeMemory(build, initialPages, maximumPages);
  }

  /** What a module imports of this memory beside itself. */
  get imports(): WebAssembly.ModuleImports {
    return {};
  }

  get length(): number {
    return this.memory.buffer.byteLength;
  }

  /** All of the memory as it is now; take it anew after a call that may grow it. */
  get bytes(): Uint8Array {
    if (this.#bytes.byteLength !== this.length) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }

  /** The bytes that growth can still add, of those that a heap can have. */
  get room(): number {
    return Math.max(0, Math.min(this.maximumPages * WASM_PAGE, 2 ** this.build.addressBits) - this.length);
  }

  /** Grows the memory as somebody other than the allocator; the address of the new pages. */
  grow(pages: number): number {
    const { memory } = this;
    // Nodes differ in whether the pages of 64-bit memories are counted with bigints.
    const before = this.build.wide ? growWide(memory, pages) : memory.grow(pages);
    return before * WASM_PAGE;
  }
}

function makeMemory(build: Build, initial: number, maximum: number): WebAssembly.Memory {
  const { shared, wide } = build;
  if (!wide) return new WebAssembly.Memory({ initial, maximum, shared });
  // The name of the option, and the type of the sizes, changed on the way to the standard.
  try {
    const standard = { initial: BigInt(initial), maximum: BigInt(maximum), shared, address: "i64" };
    return new WebAssembly.Memory(standard as unknown as WebAssembly.MemoryDescriptor);
  } catch {
    const early = { initial, maximum, shared, index: "i64" };
    return new WebAssembly.Memory(early);
  }
}

function growWide(memory: WebAssembly.Memory, pages: number): number {
  const grow = memory.grow.bind(memory) as (pages: Word) => Word;
  try {
    return Number(grow(BigInt(pages)));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return Number(grow(pages));
  }
}

/**
 * One instance of a module, that is one thread of a heap, called as C would: with unsigned numbers, whatever the width of
 * addresses. Says nothing about right and wrong; see `Model` for that.
 */
export class RawHeap {
  readonly #exports: Exports;
  readonly #in: (value: number) => Word;
  readonly #out: (value: Word) => number;

  constructor(
    readonly build: Build,
    readonly memory: RawMemory,
  ) {
    this.#in = build.wide ? (value) => BigInt(value) : (value) => value;
    this.#out = build.wide ? (value) => Number(BigInt.asUintN(64, BigInt(value))) : (value) => (value as number) >>> 0;
    const hakmem_fail = (cause: number, block: Word, size: Word, at: Word, value: number): never => {
      throw new Misuse(cause, this.#out(block), this.#out(size), this.#out(at), value);
    };
    const imports = {
      env: { memory: memory.memory, hakmem_fail, hakmem_now: () => performance.now(), ...memory.imports },
    };
    this.#exports = new WebAssembly.Instance(build.module, imports).exports as Exports;
  }

  /** A heap of its own in a fresh memory of at most `maximumPages`. */
  static create(build: Build, maximumPages = 4096): RawHeap {
    return RawHeap.in(new RawMemory(build, maximumPages));
  }

  /** A heap of its own in this memory. */
  static in(memory: RawMemory): RawHeap {
    const heap = new RawHeap(memory.build, memory);
    if (heap.threadInit(0) === 0) {
      throw new Error(`${memory.maximumPages} pages are too few for a heap of ${memory.build.name}`);
    }
    return heap;
  }

  /** A further thread on the heap with this control block. */
  join(control: number): RawHeap {
    const heap = new RawHeap(this.build, this.memory);
    if (heap.threadInit(control) !== control) throw new Error(`no heap could be joined at ${control}`);
    return heap;
  }

  threadInit(control: number): number {
    return this.#call("thread_init", control);
  }
  /** What `threadInit` says where there is no heap to join. */
  get noHeap(): number {
    return this.build.wide ? 2 ** 64 : 2 ** 32 - 1;
  }
  threadExit(): void {
    this.#exports["thread_exit"]!();
  }
  get threadId(): number {
    return (this.#exports["thread_id"]!() as number) >>> 0;
  }
  threadReclaim(id: number): number {
    return this.#exports["thread_reclaim"]!(id) as number;
  }

  malloc(size: number): number {
    return this.#call("malloc", size);
  }
  calloc(count: number, size: number): number {
    return this.#call("calloc", count, size);
  }
  realloc(block: number, size: number): number {
    return this.#call("realloc", block, size);
  }
  reallocarray(block: number, count: number, size: number): number {
    return this.#call("reallocarray", block, count, size);
  }
  alignedAlloc(align: number, size: number): number {
    return this.#call("aligned_alloc", align, size);
  }
  memalign(align: number, size: number): number {
    return this.#call("memalign", align, size);
  }
  /** 0, 22 (EINVAL) or 12 (ENOMEM); an address at `out` with 0 only. */
  posixMemalign(out: number, align: number, size: number): number {
    return this.#exports["posix_memalign"]!(this.#in(out), this.#in(align), this.#in(size)) as number;
  }
  free(block: number): void {
    this.#exports["free"]!(this.#in(block));
  }
  freeSized(block: number, size: number): void {
    this.#exports["free_sized"]!(this.#in(block), this.#in(size));
  }
  freeAlignedSized(block: number, align: number, size: number): void {
    this.#exports["free_aligned_sized"]!(this.#in(block), this.#in(align), this.#in(size));
  }
  usableSize(block: number): number {
    return this.#call("malloc_usable_size", block);
  }
  trim(keep = 0): number {
    return this.#exports["malloc_trim"]!(this.#in(keep)) as number;
  }
  freeAll(): number {
    return this.#exports["free_all"]!() as number;
  }
  /** Guard builds only. */
  check(): void {
    this.#exports["heap_check"]!();
  }
  /** Guard builds only: `new` (1) and `new[]` (2), and what frees what they make; -1 is any size. */
  guardNew(size: number, align: number, maker: number): number {
    return this.#out(this.#exports["guard_new"]!(this.#in(size), this.#in(align), maker));
  }
  guardDelete(block: number, size: number, align: number, maker: number): void {
    this.#exports["guard_delete"]!(this.#in(block), this.#in(size), this.#in(align), maker);
  }
  guardHistory(address: number, back: number, what: number): bigint {
    return this.#exports["guard_history"]!(this.#in(address), back, what) as bigint;
  }
  guardBlock(address: number, step: number, what: number): bigint {
    return this.#exports["guard_block"]!(this.#in(address), step, what) as bigint;
  }
  prewarm(size: number, count: number): number {
    return this.#call("malloc_prewarm", size, count);
  }

  stat(what: Stat): number {
    return this.#out(this.#exports["heap_stat"]!(what));
  }
  classStat(index: number, what: ClassStat): number {
    return this.#out(this.#exports["class_stat"]!(index, what));
  }
  kind(address: number): Kind {
    return this.#exports["region_kind"]!(this.#in(address)) as Kind;
  }
  get configHash(): number {
    return (this.#exports["config_hash"]!() as number) >>> 0;
  }

  /** Block sizes of all classes, smallest first. */
  get blockSizes(): number[] {
    const sizes = [];
    for (let index = 0; ; ++index) {
      const size = this.classStat(index, ClassStat.BlockSize);
      if (size === 0) return sizes;
      sizes.push(size);
    }
  }

  /** An address in memory as the allocator stored it. */
  wordAt(address: number): number {
    const view = new DataView(this.memory.memory.buffer);
    return this.build.wide ? Number(view.getBigUint64(address, true)) : view.getUint32(address, true);
  }

  /**
   * A call of an export with nothing of this class's on the stack. `result` is what it returned last, 0 if it did not.
   * @param sizes addresses and sizes; there is no export of which only some arguments are
   */
  prepare(name: string, ...sizes: number[]): { readonly call: () => void; readonly result: number } {
    const run = this.#exports[name]!;
    const [a = 0, b = 0, c = 0] = sizes.map(this.#in);
    let result: Word | undefined = 0;
    const calls = [() => void (result = run()), () => void (result = run(a)), () => void (result = run(a, b))];
    const call = calls[sizes.length] ?? (() => void (result = run(a, b, c)));
    const read = (): number => (result === undefined ? 0 : this.#out(result));
    return {
      call,
      get result() {
        return read();
      },
    };
  }

  #call(name: string, ...args: number[]): number {
    return this.#out(this.#exports[name]!(...args.map(this.#in)));
  }
}
