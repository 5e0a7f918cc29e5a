/**
 * A working set of slots; every operation picks one at random and frees what it holds, or fills it when it is empty (S18).
 * About half of the slots are taken at any time. One step is one operation: a `malloc` or a `free`.
 */

import { free, malloc } from "./allocator";
import { reserve, threadIndex } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";
import { advance, draw, lower, seedOf, upper } from "./random";

let slots: usize = 0;
let slotCount: u32 = 0;
let smallest: u32 = 0;
let range: u32 = 0;
let state: u64 = 0;

/** `count` slots, sizes from `min` to `max` bytes. */
export function random_mixed_begin(count: i32, min: i32, max: i32, _: i32): void {
  slots = reserve(<usize>count * sizeof<usize>());
  slotCount = count;
  smallest = min;
  range = max - min + 1;
  state = seedOf(threadIndex);
}

/** Does `steps` operations and returns how many operations that was. */
export function random_mixed_run(steps: i32): i32 {
  let sum = checksum;
  let bytes = live;
  let highest = peak;
  let random = state;
  for (let i = 0; i < steps; ++i) {
    random = advance(random);
    const number = draw(random);
    const slot = slots + <usize>upper(number, slotCount) * sizeof<usize>();
    const block = load<usize>(slot);
    if (block) {
      const size = read(block);
      sum = mix(sum, size);
      bytes -= size;
      free(block);
      store<usize>(slot, 0);
    } else {
      const size = smallest + lower(number, range);
      const fresh = malloc(size);
      mark(fresh, size);
      store<usize>(slot, fresh);
      bytes += size;
      if (bytes > highest) highest = bytes;
    }
  }
  state = random;
  setChecksum(sum);
  setLive(bytes, highest);
  return steps;
}
