/**
 * Buffers that grow: every step picks one at random and makes it larger by half, as a growing array or string does; a buffer
 * that reached its limit is freed and starts again at the smallest size. One step is one operation.
 *
 * A slot is a block's address and its size: `[address usize][size u32, padded to usize]`.
 */

import { free, malloc, realloc } from "./allocator";
import { reserve } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";
import { advance, draw, seedOf, upper } from "./random";

let slots: usize = 0;
let slotCount: u32 = 0;
let smallest: u32 = 0;
let largest: u32 = 0;
let state: u64 = 0;

/** `count` buffers that grow from `min` to at most `max` bytes. */
export function realloc_growth_begin(count: i32, min: i32, max: i32, _: i32): void {
  slots = reserve(<usize>count * 2 * sizeof<usize>());
  slotCount = count;
  smallest = min;
  largest = max;
  state = seedOf(0);
}

export function realloc_growth_run(steps: i32): i32 {
  let sum = checksum;
  let bytes = live;
  let highest = peak;
  let random = state;
  for (let i = 0; i < steps; ++i) {
    random = advance(random);
    const slot = slots + <usize>upper(draw(random), slotCount) * 2 * sizeof<usize>();
    const block = load<usize>(slot);
    const size = load<u32>(slot, sizeof<usize>());
    let next: u32 = 0;
    if (block == 0) {
      next = smallest;
      const fresh = malloc(next);
      mark(fresh, next);
      store<usize>(slot, fresh);
    } else {
      sum = mix(sum, read(block));
      next = size + (size >> 1);
      if (next > largest) {
        next = 0;
        free(block);
        store<usize>(slot, 0);
      } else {
        const moved = realloc(block, next);
        sum = mix(sum, moved ? read(moved) : 0);
        mark(moved, next);
        store<usize>(slot, moved);
      }
    }
    store<u32>(slot, next, sizeof<usize>());
    bytes += <i64>next - <i64>size;
    if (bytes > highest) highest = bytes;
  }
  state = random;
  setChecksum(sum);
  setLive(bytes, highest);
  return steps;
}
