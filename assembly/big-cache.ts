/**
 * The cache of freed large and huge blocks: one for all threads, found by size (S12).
 *
 *   bigCounts() ─► ┌─────────────┬─ ─┬────────────────┬────────────────┬─ ─ ─┬────────────────┐
 *                  │ bytes, hand │   │ row 0: 16 slots│ row 1: 16 slots│     │ row 27         │
 *                  └─────────────┴─ ─┴────────────────┴────────────────┴─ ─ ─┴────────────────┘
 *                  rows 0–15: large blocks, four rows for each doubling of their granules; 16–27: huge ones, of their pages
 *
 *   slot   63      56 55 ┄┄┄┄┄┄┄ 8   7 ┄┄┄┄┄┄ 0        0: empty
 *         ┌──────────┬───────────────┬───────────┐
 *         │ age      │ address       │ units     │      units: granules or pages; blocks start at multiples of either
 *         └──────────┴───────────────┴───────────┘      age: native only, looks since the block came
 *
 * All threads put and take, by one compare-and-swap on a slot. A slot holds a block whole or not at all: there is no list
 * to break, no ABA, and a thread that dies loses the block in its hands at most. A request takes the first block of its row
 * or the next one that is no more than an eighth too large.
 *
 * A cached block is nobody's: its length is 0, or its pages are of kind KIND_HUGE_CACHED, so that freeing it again is
 * refused. All cached blocks together are bounded by a part of the heap, however many threads there are. They go before
 * memory grows and on `malloc_trim`, and natively when they have lain for the time limit (retention.ts).
 */

import { atomicAdd, atomicCas, atomicExchange, atomicLoad } from "./atomic";
import { GRANULE_SHIFT, LARGE_MAX, PAGE_SHIFT, WORD } from "./config";
import { BIG_SLOTS, Control, bigCounts, bigSlot, control } from "./control";
import { freeHuge, freeLarge, markCached, markHuge, setLargeSize } from "./large";
import * as platform from "./platform";
import { see } from "./view";

const HAND_OFFSET: usize = WORD;
const WAYS: usize = 16;
/** Rows for each doubling of size, as a power of two. */
const STEPS_SHIFT: u32 = 2;
const LARGE_ROWS: usize = 16;
const HUGE_ROWS: usize = BIG_SLOTS / WAYS - LARGE_ROWS;
/** Blocks of up to 2^LEAST_SHIFT units are not kept: what is large or huge by its size has more. */
const LEAST_SHIFT: u32 = 3;

const UNITS_MASK: usize = 0xff;
const AGE_SHIFT: usize = HK_NATIVE ? 56 : 0;
const ADDRESS_MASK: usize = (HK_NATIVE ? ((<usize>1) << AGE_SHIFT) - 1 : usize.MAX_VALUE) & ~UNITS_MASK;

/** All cached blocks together are this fraction of the heap's memory at most, but may always be BYTES_MIN. */
const FRACTION_SHIFT: usize = 3;
const BYTES_MIN: usize = 4 * LARGE_MAX;
/** A block of n bytes serves requests that leave n / WASTE of it unused at most. */
const WASTE: usize = 8;

/** Bytes of a granule or a page, as a power of two. */
// @ts-ignore: decorator
@inline
function unitShift(large: bool): usize {
  return large ? GRANULE_SHIFT : PAGE_SHIFT;
}

/** The first slot of the row of blocks of `units`; BIG_SLOTS when such are not kept. */
function rowOf(units: usize, large: bool): usize {
  const x = <u32>units - 1;
  const shift = 31 - STEPS_SHIFT - clz<u32>(x);
  const row = ((shift + STEPS_SHIFT - LEAST_SHIFT) << STEPS_SHIFT) + ((x >> shift) & ((1 << STEPS_SHIFT) - 1));
  if (x >> LEAST_SHIFT == 0 || <usize>row >= (large ? LARGE_ROWS : HUGE_ROWS)) return BIG_SLOTS;
  return (<usize>row + (large ? 0 : LARGE_ROWS)) * WAYS;
}

/** Address of the next slot to give up its block where there are too many. */
function nextVictim(): usize {
  return bigSlot(<usize>atomicAdd<u32>(bigCounts() + HAND_OFFSET, 1) % BIG_SLOTS);
}

/** Counts bytes that come or go; returns the bytes that there were before. */
// @ts-ignore: decorator
@inline
function countBytes(change: usize): usize {
  return atomicAdd<usize>(bigCounts(), change);
}

/** Bytes of all cached blocks. */
export function cachedBytes(): usize {
  // A block can be taken and counted before who put it there has counted it.
  return <usize>max<isize>(<isize>atomicLoad<usize>(bigCounts()), 0);
}

/** A cached block for a request of `size` bytes, of which an eighth of the block at most is wasted; 0 when none. */
export function takeBig(size: usize): usize {
  const large = size <= LARGE_MAX;
  const shift = unitShift(large);
  const units = (size + ((<usize>1) << shift) - 1) >> shift;
  const most = max(units, (size + size / (WASTE - 1)) >> shift);
  // The next row, too: what is in the row behind the last one of the large blocks counts in larger units.
  const end = min(rowOf(units, large) + 2 * WAYS, large ? LARGE_ROWS * WAYS : BIG_SLOTS);
  for (let index = rowOf(units, large); index < end; ++index) {
    const word = atomicLoad<usize>(bigSlot(index));
    const found = word & UNITS_MASK;
    if (found < units || found > most || !atomicCas<usize>(bigSlot(index), word, 0)) continue;
    const block = see(word & ADDRESS_MASK);
    countBytes(-(found << shift));
    if (large) setLargeSize(block, found << shift);
    else markHuge(block, found << shift);
    return block;
  }
  return 0;
}

/** Takes a freed block of exactly `size` bytes: keeps it, or gives its memory back. */
export function keepBig(block: usize, size: usize, large: bool): void {
  const units = size >> unitShift(large);
  const most = max<usize>(
    BYTES_MIN,
    atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed")) >> FRACTION_SHIFT,
  );
  if (large) setLargeSize(block, 0);
  else markCached(block, size);
  // A large block may have grown beyond LARGE_MAX, and either may be small but for its alignment.
  let index = size > most ? BIG_SLOTS : rowOf(units, large);
  for (const end = min(index + WAYS, BIG_SLOTS); index < end; ++index) {
    if (!atomicCas<usize>(bigSlot(index), 0, block | units)) continue;
    let bytes = countBytes(size) + size;
    for (let n: usize = 0; <isize>bytes > <isize>most && n < BIG_SLOTS; ++n) bytes -= evict(nextVictim());
    return;
  }
  give(block, size, large);
}

/** Gives up the block of a slot, if there is one; returns its bytes. */
function evict(slot: usize): usize {
  const large = slot < bigSlot(LARGE_ROWS * WAYS);
  const word = atomicLoad<usize>(slot) ? atomicExchange<usize>(slot, 0) : 0;
  const size = (word & UNITS_MASK) << unitShift(large);
  if (size) {
    countBytes(-size);
    give(word & ADDRESS_MASK, size, large);
  }
  return size;
}

function give(block: usize, size: usize, large: bool): void {
  if (large) freeLarge(block, size);
  else freeHuge(block, size);
}

/** Frees all cached blocks. */
export function flushBig(): void {
  for (let index: usize = 0; index < BIG_SLOTS; ++index) evict(bigSlot(index));
}

/**
 * Makes all cached blocks one look older, and frees those that have seen `looks` of them; native only. Their memory goes
 * back to the platform at once, since it has lain for its time already.
 */
export function ageBig(looks: usize): void {
  for (let index: usize = 0; index < BIG_SLOTS; ++index) {
    const slot = bigSlot(index);
    const word = atomicLoad<usize>(slot);
    if (word == 0) continue;
    if (word >> AGE_SHIFT < looks) {
      atomicCas<usize>(slot, word, word + ((<usize>1) << AGE_SHIFT));
    } else if (atomicCas<usize>(slot, word, 0)) {
      const large = index < LARGE_ROWS * WAYS;
      const size = (word & UNITS_MASK) << unitShift(large);
      countBytes(-size);
      platform.purge(word & ADDRESS_MASK, size);
      give(word & ADDRESS_MASK, size, large);
    }
  }
}
