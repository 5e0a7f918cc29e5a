/** Allocates n blocks of random sizes, then frees them all in a fixed order. One step is one such batch, 2 n operations. */

import { free, malloc } from "./allocator";
import { reserve } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";
import { advance, draw, lower, seedOf, upper } from "./random";

/** Last in, first out; first in, first out; a fixed shuffle. */
const LIFO = 0;
const FIFO = 1;

let blocks: usize = 0;
let order: usize = 0;
let blockCount: u32 = 0;
let smallest: u32 = 0;
let range: u32 = 0;
let state: u64 = 0;

/** Batches of `count` blocks of `min` to `max` bytes, freed in order `freeOrder`: 0 LIFO, 1 FIFO, 2 random. */
export function batch_begin(count: i32, min: i32, max: i32, freeOrder: i32): void {
  blocks = reserve(<usize>count * sizeof<usize>());
  order = reserve(<usize>count * sizeof<u32>());
  blockCount = count;
  smallest = min;
  range = max - min + 1;
  state = seedOf(0);
  for (let i: u32 = 0; i < blockCount; ++i) setOrder(i, freeOrder == LIFO ? blockCount - 1 - i : i);
  if (freeOrder != LIFO && freeOrder != FIFO) shuffle();
}

export function batch_run(steps: i32): i32 {
  let sum = checksum;
  let bytes = live;
  let highest = peak;
  let random = state;
  for (let step = 0; step < steps; ++step) {
    for (let i: u32 = 0; i < blockCount; ++i) {
      random = advance(random);
      const size = smallest + lower(draw(random), range);
      const block = malloc(size);
      mark(block, size);
      store<usize>(blocks + <usize>i * sizeof<usize>(), block);
      bytes += size;
    }
    if (bytes > highest) highest = bytes;
    for (let i: u32 = 0; i < blockCount; ++i) {
      const block = load<usize>(blocks + <usize>getOrder(i) * sizeof<usize>());
      const size = read(block);
      sum = mix(sum, size);
      bytes -= size;
      free(block);
    }
  }
  state = random;
  setChecksum(sum);
  setLive(bytes, highest);
  return steps * <i32>blockCount * 2;
}

// @ts-ignore: decorator
@inline
function getOrder(index: u32): u32 {
  return load<u32>(order + <usize>index * sizeof<u32>());
}

// @ts-ignore: decorator
@inline
function setOrder(index: u32, value: u32): void {
  store<u32>(order + <usize>index * sizeof<u32>(), value);
}

/** Fisher and Yates. */
function shuffle(): void {
  let random = seedOf(1);
  for (let i = blockCount - 1; i > 0; --i) {
    random = advance(random);
    const j = upper(draw(random), i + 1);
    const other = getOrder(j);
    setOrder(j, getOrder(i));
    setOrder(i, other);
  }
}
