import { describe, expect, test } from "vitest";
import { TIMEOUT_MS } from "./support/budget.js";
import { BUILDS, type Build } from "./support/builds.js";
import { Model, expectZero, type Block } from "./support/model.js";
import { Random } from "../support/random.js";
import { RawHeap, Stat } from "./support/raw-heap.js";
import { Stack } from "./support/stack.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const MAXIMUM_PAGES = 1600;
const BLOCKS = 600;
/** Calls near the end of the stack, and calls between them that are not. */
const CALLS = 1000;
const EACH_CALM = 10;
const CALM = 50;
/** So many of the stack's small frames take no less than the deepest call of the allocator. */
const REACH = 40;
const CHECK_EVERY = 100;

describe.each(BUILDS)("$name", (build) => {
  test(
    "a stack overflow in the middle of any call loses what was under way, and nothing else",
    () => {
      const work = new Work(build);
      for (let n = 0; n < CALLS; ++n) {
        // Several overflows in turn, too: they meet the repair of the one before.
        for (let calm = n % EACH_CALM === 0 ? CALM : 0; calm > 0; --calm) work.calm();
        work.overflow();
        if (n % CHECK_EVERY === 0) work.check();
      }
      work.finish();
    },
    TIMEOUT_MS,
  );
});

/** Runs a prepared call, or does not to its end. */
type Runner = (call: () => void) => boolean;

/** Random calls beside a model; what was under way in one that did not end is taken for lost. */
class Work {
  readonly #random = new Random(1);
  readonly #stack = new Stack();
  readonly #threads: RawHeap[];
  readonly #control: number;
  readonly #model: Model;
  /** Most bytes that may be lost. */
  #lost = 0;
  #thrown = 0;

  constructor(private readonly build: Build) {
    const heap = RawHeap.create(build, MAXIMUM_PAGES);
    this.#control = heap.threadInit(0);
    this.#threads = build.shared ? [heap, heap.join(this.#control), heap.join(this.#control)] : [heap];
    this.#model = new Model(heap);
  }

  /** Does something; what did not end is forgotten. The thread keeps its heap, whatever state that is in. */
  #do(run: Runner): void {
    const heap = this.#any(this.#threads);
    const id = heap.threadId;
    const kind = this.#random.between(0, 99);
    const { blocks } = this.#model;
    if (kind < 2 && heap !== this.#threads[0]) return this.#exit(heap, run);
    if (kind < 4) this.#other(heap, run);
    else if (kind < 12 && blocks.length > 0) this.#resize(heap, this.#any(blocks), run);
    else if (kind < 55 && blocks.length > this.#random.between(0, BLOCKS)) this.#free(heap, this.#any(blocks), run);
    else this.#make(heap, run);
    expect(heap.threadId).toBe(id);
  }

  /** Does something that ends. */
  calm(): void {
    this.#do((call) => {
      call();
      return true;
    });
  }

  /** Does something near the end of the stack. */
  overflow(): void {
    if (this.#random.between(0, 50) === 0) this.#stack.measure();
    const distance = this.#random.between(0, Math.min(REACH, this.#stack.depth));
    const less = this.#random.between(0, 1) === 1;
    this.#do((call) => {
      const ended = this.#stack.call(call, distance, less);
      if (!ended) ++this.#thrown;
      return ended;
    });
  }

  check(): void {
    this.#model.checkContents();
    const [heap] = this.#threads as [RawHeap];
    expect(heap.stat(Stat.Live)).toBeGreaterThanOrEqual(this.#model.live);
    expect(heap.stat(Stat.Live) - this.#model.live).toBeLessThanOrEqual(this.#lost);
  }

  finish(): void {
    this.check();
    expect(this.#thrown).toBeGreaterThan(CALLS / 6);
    const [heap, ...others] = this.#threads as [RawHeap, ...RawHeap[]];
    for (const block of this.#model.blocks.slice()) {
      this.#model.remove(block);
      heap.free(block.address);
    }
    for (const other of others) other.threadExit();
    heap.trim();
    this.check();
    expect(heap.stat(Stat.Threads)).toBe(1);
    // What guard builds count in quarantine errs by what was on its way there.
    if (!this.build.guard) expect(heap.stat(Stat.Cached)).toBe(0);
    const missing = heap.stat(Stat.Committed) - heap.stat(Stat.Metadata) - heap.stat(Stat.FreePages);
    expect(missing).toBeLessThanOrEqual(this.#lost);
  }

  #make(heap: RawHeap, run: Runner): void {
    const size = this.#size();
    const align = 2 ** this.#random.between(4, 17);
    const [name, ...args] = this.#any([
      ["malloc", size],
      ["malloc", size],
      ["malloc", size],
      ["calloc", 1, size],
      ["realloc", 0, size],
      ["memalign", align, size],
    ] as [string, ...number[]][]);
    const made = heap.prepare(name, ...args);
    if (!run(made.call)) return this.#lose(size + align);
    if (made.result === 0) return;
    if (name === "calloc") expectZero(heap.memory.bytes, made.result, size);
    this.#model.add(heap, made.result, size, name === "memalign" ? align : 0);
  }

  #resize(heap: RawHeap, block: Block, run: Runner): void {
    const size = this.#size();
    this.#model.check(block);
    const moved = heap.prepare("realloc", block.address, size);
    if (!run(moved.call)) {
      this.#model.forget(block);
      return this.#lose(block.usable + size);
    }
    if (moved.result === 0) return this.#model.check(block);
    this.#model.checkMoved(block, moved.result, size);
    this.#model.forget(block);
    this.#model.add(heap, moved.result, size);
  }

  #free(heap: RawHeap, block: Block, run: Runner): void {
    this.#model.remove(block);
    if (!run(heap.prepare("free", block.address).call)) this.#lose(block.usable);
  }

  #other(heap: RawHeap, run: Runner): void {
    const [name, ...args] = this.#any([
      ["malloc_trim", 0],
      ["malloc_prewarm", this.#random.between(1, 2000), 100],
    ] as [string, ...number[]][]);
    if (!run(heap.prepare(name, ...args).call)) this.#lose(0);
  }

  #exit(heap: RawHeap, run: Runner): void {
    if (!run(heap.prepare("thread_exit").call)) this.#lose(0);
    expect(heap.threadInit(this.#control)).toBe(this.#control);
    expect(heap.threadId).not.toBe(0);
  }

  /** What one overflow may cost, beside so many bytes of the program's: a slab, or metadata. */
  #lose(bytes: number): void {
    this.#lost += 4 * this.build.pageSize + bytes * 2;
  }

  #size(): number {
    const most = this.#any([
      64,
      1000,
      1000,
      20 * KIB,
      40 * KIB,
      300 * KIB,
      this.#random.between(0, 8) === 0 ? 2 * MIB : 64,
    ]);
    return this.#random.between(1, most);
  }

  #any<T>(items: readonly T[]): T {
    return items[this.#random.between(0, items.length - 1)]!;
  }
}
