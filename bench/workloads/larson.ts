/**
 * Larson and Krishnan's server: every thread replaces random blocks of a slot table; from time to time each table goes to the
 * next thread, which then frees what others allocated. One step is one replacement, two operations.
 *
 * The table that a thread works on lies in the segment of thread (its own number + epoch) mod threads.
 */

import { free, malloc } from "./allocator";
import { reserve, segmentOf, threadCount, threadIndex } from "./arena";
import { barrier_wait } from "./barrier";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";
import { advance, draw, lower, seedOf, upper } from "./random";

/** Replacements between two hand-overs. */
const EPOCH: i32 = 16384;

let tableOffset: usize = 0;
let slotCount: u32 = 0;
let smallest: u32 = 0;
let range: u32 = 0;
let state: u64 = 0;
let epoch: i32 = 0;

/** `count` slots a thread, sizes from `min` to `max` bytes. */
export function larson_begin(count: i32, min: i32, max: i32, _: i32): void {
  tableOffset = reserve(<usize>count * sizeof<usize>()) - segmentOf(threadIndex);
  slotCount = count;
  smallest = min;
  range = max - min + 1;
  state = seedOf(threadIndex);
  epoch = 0;
}

/** All threads must ask for the same number of steps. */
export function larson_run(steps: i32): i32 {
  for (let done = 0; done < steps; done += EPOCH) {
    replace(segmentOf((threadIndex + epoch) % threadCount) + tableOffset, min(EPOCH, steps - done));
    barrier_wait();
    ++epoch;
  }
  return steps << 1;
}

function replace(table: usize, steps: i32): void {
  let sum = checksum;
  let bytes = live;
  let highest = peak;
  let random = state;
  for (let i = 0; i < steps; ++i) {
    random = advance(random);
    const number = draw(random);
    const slot = table + <usize>upper(number, slotCount) * sizeof<usize>();
    const block = load<usize>(slot);
    if (block) {
      const old = read(block);
      sum = mix(sum, old);
      bytes -= old;
      free(block);
    }
    const size = smallest + lower(number, range);
    const fresh = malloc(size);
    mark(fresh, size);
    store<usize>(slot, fresh);
    bytes += size;
    if (bytes > highest) highest = bytes;
  }
  state = random;
  setChecksum(sum);
  setLive(bytes, highest);
}
