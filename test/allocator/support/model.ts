import { mersenne } from "pure-rand/generator/mersenne";
import { expect } from "vitest";
import { Kind, Stat, WASM_PAGE, type RawHeap, type RawMemory } from "./raw-heap.js";

/** A block that the program holds. */
export interface Block {
  readonly address: number;
  /** What was asked for, in bytes: all of it holds the pattern of `seed`. */
  readonly size: number;
  /** What was asked for; 0 when nothing was. */
  readonly align: number;
  readonly usable: number;
  readonly seed: number;
}

const MIN_ALIGN = 16;
const SEEDS = 4096;
/** Bytes with no period that any structure of the allocator has. */
const PATTERN = makePattern(1048573);
const FOREIGN_BYTE = 0xa5;
const FOREIGN = new Uint8Array(WASM_PAGE).fill(FOREIGN_BYTE);
const ZERO = new Uint8Array(WASM_PAGE);

/**
 * What must be true of a heap, kept beside it: every block that is held, what it holds, and where it lies. Whatever the
 * heap hands out goes through `add`, and whatever is given back through `remove` first.
 */
export class Model {
  readonly memory: RawMemory;
  readonly blocks: Block[] = [];
  /** A byte for every 16 bytes of the memory at its largest: 1 where a block or a foreign page lies. */
  readonly #taken: Uint8Array;
  readonly #foreign: { address: number; length: number }[] = [];
  #seed = 0;
  #live = 0;

  /** A model of a heap in which nothing is allocated: what of its memory is its own now is so for ever. */
  constructor(heap: RawHeap) {
    this.memory = heap.memory;
    this.#taken = new Uint8Array((this.memory.maximumPages * WASM_PAGE) / MIN_ALIGN);
    const { pageSize } = heap.build;
    for (let page = 0; page < this.memory.length; page += pageSize) {
      if (heap.kind(page) === Kind.Metadata) this.#taken.fill(1, page / MIN_ALIGN, (page + pageSize) / MIN_ALIGN);
    }
  }

  /** Usable bytes of all blocks. */
  get live(): number {
    return this.#live;
  }

  /** Takes note of a block that `heap` has handed out, checks it against all others, and fills it. */
  add(heap: RawHeap, address: number, size: number, align = 0): Block {
    const usable = heap.usableSize(address);
    if (usable < size) expect.fail(`usable size ${usable} of ${address} is below the ${size} bytes asked for`);
    if (address % Math.max(align, MIN_ALIGN) !== 0) expect.fail(`${address} is not aligned to ${align}`);
    if (address + usable > this.memory.length) expect.fail(`${address} + ${usable} ends beyond the memory`);
    const kind = heap.kind(address);
    if (kind !== Kind.Small && kind !== Kind.Large && kind !== Kind.Huge) {
      expect.fail(`${address} was handed out, and lies in a region of kind ${kind}`);
    }
    const area = this.#taken.subarray(address / MIN_ALIGN, (address + usable) / MIN_ALIGN);
    const overlap = area.indexOf(1);
    if (overlap !== -1) {
      expect.fail(`${address} (${usable} bytes) overlaps what lies at ${address + overlap * MIN_ALIGN}`);
    }
    area.fill(1);
    this.#seed = (this.#seed + 1) % SEEDS;
    const block = { address, size, align, usable, seed: this.#seed };
    paint(this.memory.bytes, address, size, block.seed);
    this.blocks.push(block);
    this.#live += usable;
    return block;
  }

  /** Checks that a block is intact and forgets it: it may be freed now. */
  remove(block: Block): void {
    this.check(block);
    this.forget(block);
  }

  /** Forgets a block whose contents have moved on. */
  forget(block: Block): void {
    const index = this.blocks.indexOf(block);
    const last = this.blocks.pop()!;
    if (last !== block) this.blocks[index] = last;
    this.#taken.fill(0, block.address / MIN_ALIGN, (block.address + block.usable) / MIN_ALIGN);
    this.#live -= block.usable;
  }

  /** Checks the contents of one block. */
  check({ address, size, seed }: Block): void {
    expectPainted(this.memory.bytes, address, size, seed);
  }

  /** Checks that the first `size` bytes at `address` are what `block` held. */
  checkMoved(block: Block, address: number, size: number): void {
    expectPainted(this.memory.bytes, address, Math.min(size, block.size), block.seed);
  }

  /** Somebody else takes pages of the memory, and writes to them. */
  growForeign(pages: number): void {
    if (pages * WASM_PAGE > this.memory.room) return;
    const address = this.memory.grow(pages);
    const length = pages * WASM_PAGE;
    this.memory.bytes.fill(FOREIGN_BYTE, address, address + length);
    this.#taken.fill(1, address / MIN_ALIGN, (address + length) / MIN_ALIGN);
    this.#foreign.push({ address, length });
  }

  /** Checks all blocks, everybody else's pages, and the heap's own figure of what is live. */
  checkAll(heap: RawHeap): void {
    this.checkContents();
    if (!heap.build.unsafe) expect(heap.stat(Stat.Live), "bytes live").toBe(this.#live);
  }

  /** Checks all blocks and everybody else's pages. */
  checkContents(): void {
    for (const block of this.blocks) this.check(block);
    for (const { address, length } of this.#foreign) {
      const touched = firstOther(this.memory.bytes, address, length, FOREIGN);
      if (touched !== -1) expect.fail(`somebody else's byte at ${address + touched} was written`);
    }
  }

  /** Length in bytes of the longest run of pages in which nothing lies. */
  longestFreeRun(heap: RawHeap): number {
    const { pageSize } = heap.build;
    let longest = 0;
    let run = 0;
    for (let address = 0; address < this.memory.length; address += pageSize) {
      const taken = heap.kind(address) !== Kind.Foreign || this.#taken[address / MIN_ALIGN] === 1;
      run = taken ? 0 : run + pageSize;
      longest = Math.max(longest, run);
    }
    return longest;
  }
}

/** Fills `size` bytes with the pattern of `seed`. */
export function paint(bytes: Uint8Array, address: number, size: number, seed: number): void {
  for (let done = 0; done < size;) {
    const part = PATTERN.subarray(seed, seed + Math.min(size - done, PATTERN.length - SEEDS));
    bytes.set(part, address + done);
    done += part.length;
  }
}

/** Fails unless `size` bytes hold the pattern of `seed`. */
export function expectPainted(bytes: Uint8Array, address: number, size: number, seed: number): void {
  for (let done = 0; done < size;) {
    const part = PATTERN.subarray(seed, seed + Math.min(size - done, PATTERN.length - SEEDS));
    const found = Buffer.from(bytes.buffer, address + done, part.length);
    if (Buffer.compare(found, part) !== 0) {
      const at = found.findIndex((byte, index) => byte !== part[index]);
      expect.fail(`byte ${done + at} of the ${size} bytes at ${address} was overwritten`);
    }
    done += part.length;
  }
}

/** Fails unless `size` bytes are zero. */
export function expectZero(bytes: Uint8Array, address: number, size: number): void {
  const at = firstOther(bytes, address, size, ZERO);
  if (at !== -1) expect.fail(`byte ${at} of the ${size} bytes at ${address} is not zero`);
}

/** Index of the first of `size` bytes that differs from those of `expected`, repeated; -1 when none does. */
function firstOther(bytes: Uint8Array, address: number, size: number, expected: Uint8Array): number {
  for (let done = 0; done < size; done += expected.length) {
    const length = Math.min(size - done, expected.length);
    const found = Buffer.from(bytes.buffer, address + done, length);
    if (Buffer.compare(found, expected.subarray(0, length)) !== 0) {
      return done + found.findIndex((byte, index) => byte !== expected[index]);
    }
  }
  return -1;
}

function makePattern(length: number): Uint8Array {
  const pattern = new Uint8Array(length + SEEDS);
  const generator = mersenne(1);
  return pattern.map(() => generator.next());
}
