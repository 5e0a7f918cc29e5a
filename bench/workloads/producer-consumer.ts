/**
 * Pairs of threads: the even one allocates and fills blocks, the odd one reads and frees them. Between them is a bounded queue
 * of addresses with one writer and one reader. One step is one block; each side of a pair counts one operation for it.
 *
 *   in the producer's segment    ├ written u32 ┄ 64 B ┼ taken u32 ┄ 64 B ┼ address × QUEUE_LENGTH ┤
 *
 * `written` and `taken` only grow, modulo 2^32; each has one writer, and moves once for a run of RUN blocks.
 */

import { free, malloc } from "./allocator";
import { reserve, segmentOf, threadIndex } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";
import { advance, draw, lower, seedOf } from "./random";

const QUEUE_LENGTH: u32 = 4096;
const RUN: u32 = 64;
const TAKEN_OFFSET: usize = 64;
const ENTRIES_OFFSET: usize = 128;

let queue: usize = 0;
let smallest: u32 = 0;
let range: u32 = 0;
let state: u64 = 0;

/** Blocks of `min` to `max` bytes. The number of threads must be even. */
export function producer_consumer_begin(min: i32, max: i32, _1: i32, _2: i32): void {
  const own = reserve(ENTRIES_OFFSET + <usize>QUEUE_LENGTH * sizeof<usize>());
  queue = own - segmentOf(threadIndex) + segmentOf(threadIndex & ~1);
  smallest = min;
  range = max - min + 1;
  state = seedOf(threadIndex);
}

/** Both sides of a pair must ask for the same number of steps, a multiple of 64. */
export function producer_consumer_run(steps: i32): i32 {
  if (threadIndex & 1) consume(steps);
  else produce(steps);
  return steps;
}

function produce(steps: u32): void {
  let bytes = live;
  let random = state;
  let written = atomic.load<u32>(queue);
  for (let done: u32 = 0; done < steps; done += RUN) {
    while (written - atomic.load<u32>(queue, TAKEN_OFFSET) > QUEUE_LENGTH - RUN) {}
    for (let i: u32 = 0; i < RUN; ++i) {
      random = advance(random);
      const size = smallest + lower(draw(random), range);
      const block = malloc(size);
      mark(block, size);
      store<usize>(entry(written + i), block);
      bytes += size;
    }
    written += RUN;
    atomic.store<u32>(queue, written);
  }
  state = random;
  setLive(bytes, max(bytes, peak));
}

function consume(steps: u32): void {
  let sum = checksum;
  let bytes = live;
  let taken = atomic.load<u32>(queue, TAKEN_OFFSET);
  for (let done: u32 = 0; done < steps; done += RUN) {
    while (atomic.load<u32>(queue) == taken) {}
    for (let i: u32 = 0; i < RUN; ++i) {
      const block = load<usize>(entry(taken + i));
      const size = read(block);
      sum = mix(sum, size);
      bytes -= size;
      free(block);
    }
    taken += RUN;
    atomic.store<u32>(queue, taken, TAKEN_OFFSET);
  }
  setChecksum(sum);
  setLive(bytes, peak);
}

// @ts-ignore: decorator
@inline
function entry(number: u32): usize {
  return queue + ENTRIES_OFFSET + <usize>(number & (QUEUE_LENGTH - 1)) * sizeof<usize>();
}
