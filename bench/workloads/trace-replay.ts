/**
 * Replays the sizes and lifetimes that a real program had. The host writes the events, decoded, where `trace_begin` says:
 *
 *   event    ├ slot << 2 | kind  u32 ┼ size in bytes  u32 ┤        kind: 0 malloc, 1 free, 2 realloc
 *
 * A trace frees everything that it allocates, so it can be replayed again from its start. One step is one event.
 */

import { free, malloc, realloc } from "./allocator";
import { reserve } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";

const FREE: u32 = 1;
const REALLOC: u32 = 2;
const EVENT_SHIFT: usize = 3;

let events: usize = 0;
let eventCount: u32 = 0;
let slots: usize = 0;
let next: u32 = 0;

/** Makes room for `count` events over `slotCount` slots and returns where the events go. */
export function trace_begin(count: i32, slotCount: i32): usize {
  events = reserve((<usize>count) << EVENT_SHIFT);
  slots = reserve(<usize>slotCount * sizeof<usize>());
  eventCount = count;
  next = 0;
  return events;
}

export function trace_run(steps: i32): i32 {
  let sum = checksum;
  let bytes = live;
  let highest = peak;
  let at = next;
  for (let i = 0; i < steps; ++i) {
    const event = events + ((<usize>at) << EVENT_SHIFT);
    const word = load<u32>(event);
    const size = load<u32>(event, sizeof<u32>());
    const slot = slots + <usize>(word >> 2) * sizeof<usize>();
    const kind = word & 3;
    if (kind == FREE) {
      const block = load<usize>(slot);
      const old = read(block);
      sum = mix(sum, old);
      bytes -= old;
      free(block);
    } else if (kind == REALLOC) {
      const block = load<usize>(slot);
      const old = read(block);
      const moved = realloc(block, size);
      sum = mix(sum, old);
      mark(moved, size);
      store<usize>(slot, moved);
      bytes += <i64>size - <i64>old;
    } else {
      const fresh = malloc(size);
      mark(fresh, size);
      store<usize>(slot, fresh);
      bytes += size;
    }
    if (bytes > highest) highest = bytes;
    at = at + 1 == eventCount ? 0 : at + 1;
  }
  next = at;
  setChecksum(sum);
  setLive(bytes, highest);
  return steps;
}
