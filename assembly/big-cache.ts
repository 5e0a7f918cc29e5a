/**
 * The cache of freed large blocks: one for all threads, found by size (S12).
 *
 *                 row 0            row 3            row 4          row 15
 *   bigSlot(0) ─► ┌────────────────┬─ ─ ─┬──────────┬────────┬─ ─ ─┬──┐    four rows for each doubling of granules, and
 *                 │ 16 slots       │     │ 16 slots │ 8 slots│     │ 2│    half the slots for blocks twice as large
 *                 └────────────────┴─ ─ ─┴──────────┴────────┴─ ─ ─┴──┘
 *
 *   slot   63      56 55 ┄┄┄┄┄┄┄ 8   7 ┄┄┄┄┄┄ 0        0: empty
 *         ┌──────────┬───────────────┬───────────┐
 *         │ age      │ address       │ granules  │      blocks start at multiples of granules
 *         └──────────┴───────────────┴───────────┘      age: native only, looks since the block came
 *
 * All threads put and take, by one compare-and-swap on a slot. A slot holds a block whole or not at all: there is no list
 * to break, no ABA, and a thread that dies loses the block in its hands at most. A request takes the first block of its row
 * or the next one that is no more than an eighth too large.
 *
 * A cached block is nobody's: its length is 0, so that freeing it again is refused. There are as many as there are slots,
 * however many threads there are. They go before memory grows and on `malloc_trim` (but for what that is told to keep), and
 * natively when they have lain for the time limit (retention.ts).
 */

import { atomicCas, atomicExchange, atomicLoad } from "./atomic";
import { BIG_SLOTS, BIG_WAYS, GRANULE_SHIFT, GRANULE_SIZE, LARGE_MAX_SHIFT, MEDIUM_MAX, SMALL_MAX_SHIFT } from "./config";
import { bigSlot } from "./control";
import { freeLarge, setLargeSize } from "./large";
import * as platform from "./platform";
import { beginClaim, endClaim, noteRelease } from "./pool";
import { see } from "./view";

/** Rows for each doubling of size, as a power of two. */
const STEPS_SHIFT: u32 = 2;
const STEPS_MASK: u32 = (1 << STEPS_SHIFT) - 1;
/** Slots of a row of the smallest blocks, which have more than 2^LEAST_SHIFT granules. */
const WAYS: u32 = BIG_WAYS;
const LEAST_SHIFT: u32 = <u32>(SMALL_MAX_SHIFT - GRANULE_SHIFT);
/** Rows from here on do not exist: blocks of more than LARGE_MAX. */
const ROWS: u32 = (<u32>(LARGE_MAX_SHIFT - SMALL_MAX_SHIFT)) << STEPS_SHIFT;

const GRANULES_MASK: usize = 0xff;
const AGE_SHIFT: usize = HK_VIRTUAL ? 56 : 0;
const ADDRESS_MASK: usize = (HK_VIRTUAL ? ((<usize>1) << AGE_SHIFT) - 1 : usize.MAX_VALUE) & ~GRANULES_MASK;

/** A block of n bytes serves requests that leave n / WASTE of it unused at most. */
const WASTE: usize = 8;

/** The row of blocks of `count` granules; ROWS or more when such are not kept. */
// @ts-ignore: decorator
@inline
function rowOf(count: usize): u32 {
  const x = <u32>count - 1;
  const shift: u32 = 31 - STEPS_SHIFT - clz<u32>(x);
  return ((shift + STEPS_SHIFT - LEAST_SHIFT) << STEPS_SHIFT) + ((x >> shift) & STEPS_MASK);
}

/** The first slot of a row; of the row behind the last one, one more than the last slot. */
// @ts-ignore: decorator
@inline
function slotsOf(row: u32): u32 {
  const doubling = row >> STEPS_SHIFT;
  return (
    ((2 * WAYS) << STEPS_SHIFT) - (((2 * WAYS) << STEPS_SHIFT) >> doubling) + (row & STEPS_MASK) * (WAYS >> doubling)
  );
}

/** Bytes of the block of a slot's word. */
// @ts-ignore: decorator
@inline
function bytesOf(word: usize): usize {
  return (word & GRANULES_MASK) << GRANULE_SHIFT;
}

/** A cached block for a request of `size` bytes, of which an eighth of the block at most is wasted; 0 when none. */
export function takeBig(size: usize): usize {
  const count = (size + (GRANULE_SIZE - 1)) >> GRANULE_SHIFT;
  const most = max(count, (size + size / (WASTE - 1)) >> GRANULE_SHIFT);
  const row = rowOf(count);
  // A block of the next class is too large for one of a class.
  const end = slotsOf(size <= MEDIUM_MAX ? row + 1 : min(row + 2, ROWS));
  for (let index = slotsOf(row); index < end; ++index) {
    const slot = bigSlot(index);
    const word = atomicLoad<usize>(slot);
    const found = word & GRANULES_MASK;
    if (found < count || found > most || !atomicCas<usize>(slot, word, 0)) continue;
    const block = word & ADDRESS_MASK;
    see(block + bytesOf(word) - 1);
    setLargeSize(block, bytesOf(word));
    return block;
  }
  return 0;
}

/** Takes a freed large block of exactly `size` bytes: keeps it, or gives its memory back. */
export function keepBig(block: usize, size: usize): void {
  const count = size >> GRANULE_SHIFT;
  const row = rowOf(count);
  setLargeSize(block, 0);
  // A large block may have grown beyond LARGE_MAX, or be small but for its alignment.
  if (count >> LEAST_SHIFT && row < ROWS) {
    const end = slotsOf(row + 1);
    for (let index = slotsOf(row); index < end; ++index) {
      if (atomicLoad<usize>(bigSlot(index)) == 0 && atomicCas<usize>(bigSlot(index), 0, block | count)) return;
    }
  }
  freeLarge(block, size);
}

/**
 * Frees all cached blocks but `keep` bytes, of the smallest. What others cache meanwhile may stay.
 * @returns what is left of `keep`
 */
export function flushBig(keep: usize): usize {
  beginClaim();
  for (let index: u32 = 0; index < BIG_SLOTS; ++index) {
    const bytes = bytesOf(atomicLoad<usize>(bigSlot(index)));
    if (bytes && bytes <= keep) {
      keep -= bytes;
      continue;
    }
    const word = atomicExchange<usize>(bigSlot(index), 0);
    if (!word) continue;
    noteRelease();
    freeLarge(word & ADDRESS_MASK, bytesOf(word));
  }
  endClaim(false);
  return keep;
}

/** Bytes of all cached blocks. */
export function cachedBytes(): usize {
  let bytes: usize = 0;
  for (let index: u32 = 0; index < BIG_SLOTS; ++index) bytes += bytesOf(atomicLoad<usize>(bigSlot(index)));
  return bytes;
}

/**
 * Makes all cached blocks one look older, and frees those that have seen `looks` of them; native only. Their memory goes
 * back to the platform at once, since it has lain for its time already.
 */
export function ageBig(looks: usize): void {
  beginClaim();
  for (let index: u32 = 0; index < BIG_SLOTS; ++index) {
    const slot = bigSlot(index);
    const word = atomicLoad<usize>(slot);
    if (word == 0) continue;
    if (word >> AGE_SHIFT < looks) {
      atomicCas<usize>(slot, word, word + ((<usize>1) << AGE_SHIFT));
    } else if (atomicCas<usize>(slot, word, 0)) {
      platform.purge(word & ADDRESS_MASK, bytesOf(word));
      freeLarge(word & ADDRESS_MASK, bytesOf(word));
    }
  }
  endClaim(false);
}
