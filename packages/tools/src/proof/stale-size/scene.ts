/**
 * A heap, the thread that leads and the thread that follows, which stays inside WebAssembly (test/allocator/assembly/stale-size/).
 * The leader lays the heap out, makes memory grow behind the follower's back, and tells the follower what to do; what the
 * follower finds is looked at afterwards. Runs wherever there are workers: nothing here is of one host.
 */

/** The modules of one way to put program and allocator together, as `modules.ts` makes them. */
export interface Program {
  readonly allocator: WebAssembly.Module;
  /** Imports the allocator's functions; undefined when `allocator` is both, linked. */
  readonly program: WebAssembly.Module | undefined;
  /** Whether addresses are 64 bits wide. */
  readonly wide: boolean;
  readonly guard: boolean;
}

/** What a follower needs to begin. */
export interface Task extends Program {
  readonly memory: WebAssembly.Memory;
  /** The heap to join; 0 when it does not exist yet. */
  readonly control: number;
}

/** How a host starts the thread that follows: `run` begins to follow and does not wait for the end. */
export interface Follower {
  run(task: Task): void;
}

type Word = number | bigint;
export type Exports = Readonly<Record<string, (...words: Word[]) => Word>>;

/** Where the box lies, in a page that the allocator never has; its fields, as indices of 32-bit words. */
const BOX = 1024;
const FIELD = { turn: 0, done: 1, call: 2, size: 3, given: 4, block: 5, stage: 6, state: 8 } as const;
const IDLE = 0;
const FOLLOWING = 1;
const TRAPPED = 2;

export const CALLS = {
  malloc: 1,
  calloc: 2,
  realloc: 3,
  memalign: 4,
  free: 5,
  recycle: 6,
  prewarm: 7,
  join: 8,
  trim: 9,
  check: 10,
  figures: 11,
} as const;
export type Call = keyof typeof CALLS;
const LAST = 256;
const STAGES = [
  "",
  "the call",
  "loads of zeros",
  "memory.fill",
  "memory.copy into it",
  "memory.copy out of it",
  "stores",
  "loads",
];

const SOURCE = 8192;
const COPIED = 4096;
const FILLED = 0xa5;
const STORED = 0x5a;
const STORES = 4096;
const MESSAGE = 2048;
const MESSAGE_BYTES = 256;

export const KIB = 1024;
export const MIB = 1024 * KIB;
const WASM_PAGE = 64 * KIB;
const MAXIMUM_PAGES = 4096;
const FREE_PAGES = 4;
const METADATA = 5;
const PATIENCE_MS = 20_000;

/** The case is wrong, or the allocator is. */
export class SceneError extends Error {
  override readonly name = "SceneError";
}

function makeMemory(wide: boolean): WebAssembly.Memory {
  if (!wide) return new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared: true });
  // The name of the option, and the type of the sizes, changed on the way to the standard.
  try {
    const standard = { initial: 1n, maximum: BigInt(MAXIMUM_PAGES), shared: true, address: "i64" };
    return new WebAssembly.Memory(standard as unknown as WebAssembly.MemoryDescriptor);
  } catch {
    const early = { initial: 1, maximum: MAXIMUM_PAGES, shared: true, index: "i64" };
    return new WebAssembly.Memory(early);
  }
}

function growMemory(memory: WebAssembly.Memory, pages: number, wide: boolean): void {
  const grow = memory.grow.bind(memory) as (pages: Word) => Word;
  if (!wide) return void grow(pages);
  try {
    grow(BigInt(pages));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    grow(pages);
  }
}

/** One thread's functions: the allocator's, and the program's. */
function instantiate({ allocator, program }: Program, memory: WebAssembly.Memory): Exports {
  const hakmem_fail = (code: number, block: Word): never => {
    throw new SceneError(`the guard reports misuse ${code} of ${block}`);
  };
  const heap = new WebAssembly.Instance(allocator, { env: { memory, hakmem_fail } }).exports as Exports;
  if (program === undefined) return heap;
  return { ...heap, ...(new WebAssembly.Instance(program, { env: { memory }, allocator: heap }).exports as Exports) };
}

/** What the follower's thread does with a task: follows until it is told to stop, or traps. */
export function follow(task: Task): void {
  const { memory, control, wide } = task;
  const box = new Int32Array(memory.buffer, BOX, 16);
  try {
    const exports = instantiate(task, memory);
    const word = (value: number): Word => (wide ? BigInt(value) : value);
    if (control !== 0 && Number(exports["thread_init"]!(word(control))) !== control) {
      throw new SceneError("the follower cannot join the heap");
    }
    Atomics.store(box, FIELD.state, FOLLOWING);
    exports["follow"]!(word(BOX));
    Atomics.store(box, FIELD.state, IDLE);
  } catch (error) {
    const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
    const bytes = new Uint8Array(memory.buffer, MESSAGE, MESSAGE_BYTES).fill(0);
    bytes.set(text.subarray(0, MESSAGE_BYTES - 1));
    Atomics.store(box, FIELD.state, TRAPPED);
  }
}

/** Has the engine compile all of a program as it does what runs often, by running it often in a memory of its own. */
export function warmUp(program: Program): void {
  const memory = makeMemory(program.wide);
  const exports = instantiate(program, memory);
  const word = (value: number): Word => (program.wide ? BigInt(value) : value);
  exports["thread_init"]!(word(0));
  const box = new Int32Array(memory.buffer, BOX, 16);
  const turn = (call: Call, size: number, given: number): number => {
    box[FIELD.call] = CALLS[call] | LAST;
    box[FIELD.size] = size;
    box[FIELD.given] = given;
    box[FIELD.turn]!++;
    exports["follow"]!(word(BOX));
    return box[FIELD.block]! >>> 0;
  };
  for (let n = 0; n < 150; ++n) {
    const size = [64, 3000, 50 * KIB, 300 * KIB][n % 4]!;
    let block = turn("malloc", size, 0);
    block = turn("realloc", size * 2, block);
    block = turn("recycle", size * 2, block);
    turn("free", 0, block);
    turn("free", 0, turn("calloc", size, 0));
    turn("free", 0, turn("memalign", size, 0));
    turn("free", 0, turn("prewarm", size, 0));
    if (n % 16 === 0) turn("trim", 0, 0);
    turn("check", 0, 0);
  }
}

/** The follower's part of a turn went wrong: not the scene's layout, but what the case is to show. */
export class FollowerError extends Error {
  override readonly name = "FollowerError";
}

/** Another thread of the heap, whose calls the leader makes. */
export class Thread {
  readonly #exports: Exports;
  readonly #wide: boolean;

  constructor(program: Program, memory: WebAssembly.Memory, control: number) {
    this.#exports = instantiate(program, memory);
    this.#wide = program.wide;
    if (control !== 0 && this.init(control) !== control) throw new SceneError("a thread cannot join the heap");
  }

  init(control: number): number {
    return this.#call("thread_init", control);
  }
  exit(): void {
    this.#exports["thread_exit"]!();
  }
  get id(): number {
    return Number(this.#exports["thread_id"]!());
  }
  /** Tells that the thread with `id` is dead. */
  reclaim(id: number): void {
    if (this.#exports["thread_reclaim"]!(id) !== 1) throw new SceneError(`thread ${id} cannot be reclaimed`);
  }
  malloc(size: number): number {
    const block = this.#call("malloc", size);
    if (block === 0) throw new SceneError(`the leader gets no ${size} bytes`);
    return block;
  }
  free(block: number): void {
    this.#call("free", block);
  }
  trim(): void {
    this.#call("malloc_trim", 0);
  }
  get freePages(): number {
    return Number(this.#exports["heap_stat"]!(FREE_PAGES));
  }
  get metadata(): number {
    return Number(this.#exports["heap_stat"]!(METADATA));
  }

  #call(name: string, argument: number): number {
    const word = this.#exports[name]!(this.#wide ? BigInt(argument) : argument) ?? 0;
    return typeof word === "bigint" ? Number(BigInt.asUintN(64, word)) : word >>> 0;
  }
}

/** One heap with its leader and its follower, for one case. */
export class Scene {
  readonly memory: WebAssembly.Memory;
  readonly leader: Thread;
  /** The heap's; 0 until it exists. */
  control = 0;
  /** What the follower can have seen of the memory at most: all that has been grown since is new to it. */
  limit = 0;
  readonly #box: Int32Array;
  readonly #source: Uint8Array;

  readonly #follower: Follower;

  constructor(
    readonly program: Program,
    follower: Follower,
  ) {
    this.#follower = follower;
    this.memory = makeMemory(program.wide);
    this.#box = new Int32Array(this.memory.buffer, BOX, 16);
    this.#source = new Uint8Array(this.memory.buffer, SOURCE, COPIED).map((_, at) => at * 31 + (at >> 8));
    new Uint8Array(this.memory.buffer, SOURCE, COPIED).set(this.#source);
    this.leader = new Thread(program, this.memory, 0);
  }

  /** Has the follower begin, on a heap that it has joined; with `late`, one that does not exist before `makeHeap`. */
  async begin(late: boolean): Promise<void> {
    if (!late) this.makeHeap();
    this.#follower.run({ ...this.program, memory: this.memory, control: this.control });
    // A browser may deliver nothing to a worker while the one that sends is busy.
    const end = Date.now() + PATIENCE_MS;
    while (Atomics.load(this.#box, FIELD.state) === IDLE && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    this.#await(() => Atomics.load(this.#box, FIELD.state) !== IDLE);
    this.#refuseTrap("it begins");
    this.limit = this.length;
  }

  makeHeap(): void {
    this.control = this.leader.init(0);
    if (this.control === 0) throw new SceneError("the heap cannot be made");
  }

  /** One more thread of the heap. */
  join(): Thread {
    return new Thread(this.program, this.memory, this.control);
  }

  /** The memory's length now. */
  get length(): number {
    growMemory(this.memory, 0, this.program.wide);
    return this.memory.buffer.byteLength;
  }

  /** Grows the memory as somebody other than the allocator. */
  grow(pages: number): void {
    growMemory(this.memory, pages, this.program.wide);
  }

  /**
   * The follower sees, and its allocator knows that it does, what memory there is now: it frees a block that the leader made,
   * which opens its gate and renews its view.
   */
  settle(block = this.leader.malloc(48)): void {
    // A second one keeps the slab, and its page, from becoming free later.
    this.leader.malloc(48);
    this.tell("free", 0, block);
    this.limit = this.length;
  }

  /** Lets the leader take all memory that there is, but what is left between blocks of these sizes, until the memory grows. */
  exhaust(...sizes: readonly number[]): number[] {
    const blocks: number[] = [];
    for (const size of [MIB, 256 * KIB, 64 * KIB, 40 * KIB, 20 * KIB, ...sizes]) {
      let block: number;
      do {
        block = this.leader.malloc(size);
        blocks.push(block);
      } while (block + size <= this.limit);
    }
    return blocks;
  }

  /** A thread whose heap lies in memory that the follower has not seen. */
  joinBeyond(): Thread {
    this.beyond(MIB);
    const before = this.leader.metadata;
    // Until what is set aside for heaps is used up.
    do this.join();
    while (this.leader.metadata === before);
    return this.join();
  }

  /** A block of the leader's that begins in memory which the follower has not seen; below that there is no room for one. */
  beyond(size: number): number {
    this.exhaust(size);
    for (let n = 0; n < 100_000; ++n) {
      const block = this.leader.malloc(size);
      if (block >= this.limit) return block;
    }
    throw new SceneError(`no block of ${size} bytes is new to the follower`);
  }

  /** Memory that the follower has not seen is free, `size` bytes of it and more, and none that it has seen. */
  freeBeyond(size: number): void {
    // A pair, so that what the second one leaves free begins with memory of its own.
    const block = this.beyond(Math.max(2 * size, MIB));
    this.leader.free(block);
    this.leader.trim();
  }

  /** A block of the leader's that begins in memory which the follower has seen and ends in memory which it has not. */
  straddling(size: number): number {
    for (let n = 0; n < 20; ++n) {
      const settling = this.leader.malloc(48);
      this.leaveTrailing(128 * KIB);
      this.settle(settling);
      const block = this.leader.malloc(size);
      if (block < this.limit && block + size > this.limit) return block;
    }
    throw new SceneError(`no block of ${size} bytes straddles what the follower has seen`);
  }

  /** Takes all memory but `bytes` at its end, or a little more. */
  leaveTrailing(bytes: number): void {
    this.limit = this.length;
    this.leader.free(this.beyond(bytes + MIB));
    this.leader.trim();
    const end = this.length;
    let block: number;
    do block = this.leader.malloc(64 * KIB);
    while (block + 128 * KIB + bytes < end);
    if (this.length !== end) throw new SceneError("the memory has grown too early");
  }

  /**
   * Has the follower do something; it uses the block that it gets, and what it wrote is looked at.
   * @returns the block; 0 for calls that have none
   */
  tell(call: Call, size = 0, given = 0): number {
    const box = this.#box;
    box[FIELD.call] = CALLS[call];
    box[FIELD.size] = size;
    box[FIELD.given] = given;
    box[FIELD.block] = 0;
    const turn = Atomics.add(box, FIELD.turn, 1) + 1;
    this.#await(() => Atomics.load(box, FIELD.done) === turn || Atomics.load(box, FIELD.state) === TRAPPED);
    this.#refuseTrap(call);
    const block = box[FIELD.block]! >>> 0;
    if (size === 0) return 0;
    if (block === 0) throw new FollowerError(`${call} of ${size} bytes is refused`);
    this.#check(block, size);
    return block;
  }

  /** As `tell`, for a block of which some is new to the follower: otherwise the case shows nothing. */
  tellNew(call: Call, size: number, given = 0): number {
    const { limit } = this;
    const block = this.tell(call, size, given);
    if (block + size <= limit)
      throw new SceneError(`the block ends at ${block + size}, and all below ${limit} was seen`);
    return block;
  }

  /** Ends the follower's part, whatever it does; an engine need not be able to stop it. */
  end(): void {
    if (Atomics.load(this.#box, FIELD.state) !== FOLLOWING) return;
    this.#box[FIELD.call] = LAST;
    Atomics.add(this.#box, FIELD.turn, 1);
    this.#await(() => Atomics.load(this.#box, FIELD.state) !== FOLLOWING);
  }

  #check(block: number, size: number): void {
    void this.length;
    const bytes = new Uint8Array(this.memory.buffer, block, size);
    const copied = Math.min(size, COPIED);
    const expected = new Uint8Array(size).fill(FILLED);
    expected.set(this.#source.subarray(0, copied));
    expected.set(this.#source.subarray(0, copied), size - copied);
    for (let at = 0; at + 4 <= size; at += STORES) expected.fill(STORED, at, at + 4);
    expected[size - 1] = STORED;
    const wrong = bytes.findIndex((byte, at) => byte !== expected[at]);
    if (wrong >= 0) throw new FollowerError(`byte ${wrong} of the block of ${size} is ${bytes[wrong]}`);
  }

  #refuseTrap(call: string): void {
    if (Atomics.load(this.#box, FIELD.state) !== TRAPPED) return;
    const bytes = new Uint8Array(this.memory.buffer).slice(MESSAGE, MESSAGE + MESSAGE_BYTES);
    const message = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    throw new FollowerError(`${message}, at ${STAGES[this.#box[FIELD.stage]!]} (${call})`);
  }

  /** Waits without sleeping for long: the follower cannot wake anybody without leaving its loop. */
  #await(done: () => boolean): void {
    const end = Date.now() + PATIENCE_MS;
    while (!done()) {
      if (Date.now() > end) throw new SceneError("the follower does not answer");
      Atomics.wait(this.#box, 15, 0, 0.2);
    }
  }
}

/** Bytes of the units in which WebAssembly memories grow. */
export const GROW_UNIT = WASM_PAGE;
