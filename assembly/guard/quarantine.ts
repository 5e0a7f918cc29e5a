/**
 * The quarantine of guard builds: freed blocks wait here, filled, before they can be handed out again, and a write to one
 * is found when it leaves.
 *
 *   quarantineCounts() ─►  ┌─────────────┬─ ─┬───────┬───────┬─ ─ ─┬───────┐
 *                          │ bytes, hand │   │ block │ block │     │ block │    a ring: the hand goes round, puts a block
 *                          └─────────────┴─ ─┴───────┴───────┴─ ─ ─┴───────┘    in, and takes out what was there
 *
 * One for all threads, by one exchange on a slot, so that a thread that dies loses the block in its hands at most.
 */

import { atomicAdd, atomicExchange, atomicLoad } from "../atomic";
import { WORD } from "../config";
import { Control, QUARANTINE_SLOTS, control, quarantineCounts, quarantineSlot } from "../control";

const HAND_OFFSET: usize = WORD;

/** Blocks in quarantine are this fraction of the heap's memory at most, together, but may always be BYTES_MIN. */
const FRACTION_SHIFT: usize = 2;
const BYTES_MIN: usize = HK_VIRTUAL ? 1 << 25 : 1 << 18;

function slotOf(index: usize): usize {
  return quarantineSlot(index % QUARANTINE_SLOTS);
}

function count(change: isize): isize {
  return <isize>atomicAdd<usize>(quarantineCounts(), <usize>change) + change;
}

/** Puts a block of `bytes` in; returns the one that leaves for it, of any size, or 0. */
export function exchange(block: usize, bytes: usize): usize {
  count(<isize>bytes);
  return atomicExchange<usize>(slotOf(<usize>atomicAdd<u32>(quarantineCounts() + HAND_OFFSET, 1)), block);
}

/** Tells that a block of `bytes` has left. */
export function left(bytes: usize): void {
  count(-(<isize>bytes));
}

/** Bytes of all blocks in quarantine. */
export function quarantined(): usize {
  return <usize>max<isize>(<isize>atomicLoad<usize>(quarantineCounts()), 0);
}

/** True when blocks should leave until it is not. */
export function isTooFull(): bool {
  const committed = atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed"));
  return quarantined() > max<usize>(BYTES_MIN, committed >> FRACTION_SHIFT);
}

/** Takes the block out that has been in for the `n`-th longest time, from 0; 0 when there is none. */
export function takeOldest(n: usize): usize {
  return atomicExchange<usize>(slotOf(<usize>atomicLoad<u32>(quarantineCounts() + HAND_OFFSET) + n), 0);
}

/** The block in the `index`-th slot, left where it is; 0 when there is none. */
export function peek(index: usize): usize {
  return atomicLoad<usize>(slotOf(index));
}
