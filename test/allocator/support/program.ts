import { expect } from "vitest";
import { Model, expectZero, type Block } from "./model.js";
import type { AlignedCall, FreeCall, Operation } from "./operations.js";
import { Kind, RawHeap, Stat, type RawMemory } from "./raw-heap.js";

const KIB = 1024;
const MIN_BLOCK = 16;
/** Up to this size blocks are rounded to 16 bytes; above, at most a fifth of a block may be waste. */
const EXACT_MAX = 128;
const SMALL_WASTE = 1 / 5;
/** Above it, at most an eighth may be, or the rest of a page. */
const MEDIUM_MAX = 64 * KIB;
const LARGE_WASTE = 1 / 8;

/**
 * A program that runs operations on a heap beside a model of it. Threads take turns: each is an instance of its own, as in
 * a worker, but one call ends before the next begins.
 */
export class Program {
  readonly model: Model;
  readonly threads: RawHeap[];
  readonly #control: number;

  constructor(memory: RawMemory, threads = 1) {
    const first = RawHeap.in(memory);
    this.#control = first.threadInit(0);
    this.threads = [first];
    this.model = new Model(first);
    while (this.threads.length < threads) this.threads.push(first.join(this.#control));
  }

  get heap(): RawHeap {
    return this.threads[0]!;
  }

  /** Runs all of it and verifies everything at the end. */
  run(operations: readonly Operation[]): void {
    for (const operation of operations) this.apply(operation);
    this.model.checkAll(this.heap);
  }

  apply(operation: Operation): void {
    const index = operation.thread % this.threads.length;
    const heap = this.threads[index]!;
    switch (operation.call) {
      case "malloc":
        this.malloc(heap, operation.size);
        break;
      case "calloc":
        this.calloc(heap, operation.count, operation.size);
        break;
      case "aligned":
        this.aligned(heap, operation.by, operation.align, operation.size);
        break;
      case "realloc":
        this.#withBlock(operation.block, (block) => this.realloc(heap, block, operation.size));
        break;
      case "reallocarray":
        this.#withBlock(operation.block, (block) => this.realloc(heap, block, operation.size, operation.count));
        break;
      case "free":
        this.#withBlock(operation.block, (block) => this.free(heap, block, operation.by));
        break;
      case "fill":
        for (let n = 0; n < operation.count && this.malloc(heap, operation.size); ++n);
        break;
      case "thin":
        for (const block of this.model.blocks.filter((_, n) => n % operation.keep !== 0)) this.free(heap, block);
        break;
      case "trim":
        expect([0, 1]).toContain(heap.trim());
        expect(heap.trim(), "trim after trim").toBe(0);
        break;
      case "prewarm":
        this.prewarm(heap, operation.size, operation.count);
        break;
      case "foreign":
        this.model.growForeign(operation.pages);
        break;
      case "exit":
        // The first thread stays: somebody must be there to ask.
        if (index > 0) this.#replace(index, () => heap.threadExit());
        break;
      case "die":
        if (index > 0) this.#replace(index, () => this.#find(index, operation.finder));
        break;
    }
  }

  malloc(heap: RawHeap, size: number): Block | undefined {
    const address = heap.malloc(size);
    if (address === 0) return this.#refused(heap, size, 0);
    const block = this.model.add(heap, address, size);
    expectLittleWaste(heap, block);
    return block;
  }

  calloc(heap: RawHeap, count: number, size: number): void {
    const address = heap.calloc(count, size);
    const bytes = count * size;
    if (address === 0) return void this.#refused(heap, bytes, 0);
    expectZero(heap.memory.bytes, address, bytes);
    this.model.add(heap, address, bytes);
  }

  aligned(heap: RawHeap, call: AlignedCall, align: number, size: number): void {
    const address =
      call === "posix_memalign"
        ? this.#posixMemalign(heap, Math.max(align, 8), size)
        : call === "memalign"
          ? heap.memalign(align, size)
          : heap.alignedAlloc(align, size);
    if (address === 0) return void this.#refused(heap, size, align);
    this.model.add(heap, address, size, align);
  }

  realloc(heap: RawHeap, block: Block, size: number, count?: number): void {
    this.model.check(block);
    const bytes = size * (count ?? 1);
    const address =
      count === undefined ? heap.realloc(block.address, size) : heap.reallocarray(block.address, count, size);
    if (address === 0) {
      if (bytes <= block.usable) expect.fail(`realloc from ${block.size} to ${bytes} bytes was refused`);
      this.#refused(heap, bytes, 0);
      return this.model.check(block);
    }
    this.model.checkMoved(block, address, bytes);
    this.model.forget(block);
    // Where it lay it keeps its alignment, for a guard build that had no memory to move it.
    this.model.add(heap, address, bytes, address === block.address ? block.align : 0);
  }

  free(heap: RawHeap, block: Block, by: FreeCall = "free"): void {
    this.model.remove(block);
    if (by === "free_sized" && block.align <= 16) heap.freeSized(block.address, block.size);
    else if (by === "free_aligned_sized") heap.freeAlignedSized(block.address, block.align, block.size);
    else heap.free(block.address);
  }

  prewarm(heap: RawHeap, size: number, count: number): void {
    const cached = heap.prewarm(size, count);
    if (cached > 0 && !heap.build.unsafe)
      expect(heap.stat(Stat.Cached)).toBeGreaterThanOrEqual(cached * Math.max(size, 1));
  }

  /**
   * Frees everything, by all threads in turn, ends all threads but the first, and verifies that nothing is left: all pages
   * are free but those of the metadata, and all of the longest run of them can be had as one block, where a block takes
   * no more than it is.
   */
  finish(): void {
    this.model.checkAll(this.heap);
    this.model.blocks.slice().forEach((block, n) => this.free(this.threads[n % this.threads.length]!, block));
    for (const other of this.threads.slice(1)) other.threadExit();
    this.heap.trim();
    this.model.checkAll(this.heap);
    if (this.heap.build.unsafe) return;
    expect(this.heap.stat(Stat.Live), "bytes live at the end").toBe(0);
    expect(this.heap.stat(Stat.Threads)).toBe(1);
    expect(this.heap.stat(Stat.Cached), "bytes cached after trim").toBe(0);
    const { committed, free, metadata } = figures(this.heap);
    expect(free, "free pages after trim").toBe(committed - metadata);
    const longest = this.model.longestFreeRun(this.heap);
    if (longest > 0 && !this.heap.build.guard && !this.malloc(this.heap, longest))
      expect.fail(`${longest} adjacent bytes are free and refused`);
    this.model.checkAll(this.heap);
  }

  #posixMemalign(heap: RawHeap, align: number, size: number): number {
    const out = this.malloc(heap, 8);
    if (out === undefined) return 0;
    const result = heap.posixMemalign(out.address, align, size);
    const address = result === 0 ? heap.wordAt(out.address) : 0;
    if (result === 0 && address === 0) expect.fail("posix_memalign succeeded with null");
    // With a failure nothing is stored, which freeing `out` verifies.
    if (result === 0) this.model.forget(out);
    if (result === 0) heap.free(out.address);
    else this.free(heap, out);
    return address;
  }

  /** A call returned 0: right only when the memory cannot grow by enough, with something to spare for the metadata. */
  #refused(heap: RawHeap, size: number, align: number): undefined {
    const { superslabSize } = heap.build;
    const enough = size + align + 2 * superslabSize;
    if (heap.memory.room >= enough) {
      expect.fail(
        `${size} bytes (aligned to ${align}) were refused while the memory could grow by ${heap.memory.room}`,
      );
    }
    return undefined;
  }

  #withBlock(number: number, action: (block: Block) => void): void {
    const { blocks } = this.model;
    const block = blocks[number % blocks.length];
    if (block !== undefined) action(block);
  }

  #replace(index: number, end: () => void): void {
    end();
    // A new thread takes an old one's place without new memory, so this works with a memory that is full, too.
    this.threads[index] = this.heap.join(this.#control);
  }

  #find(index: number, finder: number): void {
    const others = this.threads.filter((_, n) => n !== index);
    const other = others[finder % others.length]!;
    expect(other.threadReclaim(this.threads[index]!.threadId)).toBe(1);
  }
}

/** What is committed, free and used for itself, in bytes. */
export function figures(heap: RawHeap): { committed: number; free: number; metadata: number } {
  return {
    committed: heap.stat(Stat.Committed),
    free: heap.stat(Stat.FreePages),
    metadata: heap.stat(Stat.Metadata),
  };
}

function expectLittleWaste(heap: RawHeap, { address, size, usable }: Block): void {
  const { pageSize, granuleSize, classes } = heap.build;
  // A small block that finds no room in a slab may come to lie between large ones, and is cut as they are.
  const misplaced = size <= pageSize / 4 && heap.kind(address) === Kind.Large ? granuleSize : 0;
  if (usable > largestBlockFor(size, pageSize, classes) + misplaced)
    expect.fail(`${size} bytes take a block of ${usable}`);
}

/** Bytes of the largest block that a request may get. */
function largestBlockFor(size: number, pageSize: number, classes?: readonly number[]): number {
  const chosen = classes?.find((bytes) => bytes >= size);
  if (chosen !== undefined) return chosen;
  if (size <= EXACT_MAX) return Math.max(Math.ceil(size / MIN_BLOCK), 1) * MIN_BLOCK;
  const classed = size / (1 - SMALL_WASTE);
  if (size <= pageSize / 4) return classed;
  // One of the next longer class, if a thread has it at hand.
  if (size <= Math.min(MEDIUM_MAX, pageSize * 4)) return classed * 1.25;
  return Math.max(size / (1 - LARGE_WASTE), Math.ceil(size / pageSize) * pageSize);
}
