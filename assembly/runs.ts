/**
 * Runs of free pages, found by length (S12): where huge blocks were freed, the next ones are cut, without a search through the pool.
 *
 *                 row 0: 4      row 1: 5        row 51
 *   runSlot(0) ─► ┌─────────────┬─────────────┬─ ─ ─┐     rows of runs of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 … pages, and more
 *                 │ 4 slots     │ 4 slots     │     │     a slot: the first page of such a run, and its length; 0: none
 *                 └─────────────┴─────────────┴─ ─ ─┘
 *
 * Slots are hints, and nothing more. The pages of a run are available in the pool, to whoever claims them first; a run that has become
 * shorter, or part of a longer one, is passed over. So all threads read and write slots as they like, no memory is kept from anybody, and
 * what is forgotten is found by the pool's own search.
 */

import { atomicLoad, atomicStore } from "./atomic";
import { RUN_ROWS, RUN_WAYS, SUPERSLAB_PAGES_MASK, SUPERSLAB_PAGES_SHIFT } from "./config";
import { runSlot } from "./control";
import { NO_PAGES, availablePages, claimPages, freeBefore, freeFrom } from "./pool";

/** A slot is length << LENGTH_SHIFT | first page; 0: none. */
const LENGTH_SHIFT: u64 = 32;
const STEPS_SHIFT: u32 = 2;
const STEPS_MASK: u32 = (1 << STEPS_SHIFT) - 1;
/** Rows for longer runs that are looked into: four times as long ones at most are cut. */
const REACH: u32 = 2 << STEPS_SHIFT;

/** The row of runs of `count` pages, 4 or more. */
// @ts-ignore: decorator
@inline
function rowOf(count: usize): u32 {
  const shift: u32 = 31 - STEPS_SHIFT - clz<u32>(<u32>count);
  return min<u32>((shift << STEPS_SHIFT) + (((<u32>count) >> shift) & STEPS_MASK), RUN_ROWS - 1);
}

/** Takes `count` pages, 4 or more, from the start of a run that is known; NO_PAGES when none is. As `acquirePages`. */
export function takeRun(count: usize): usize {
  const first = rowOf(count) * RUN_WAYS;
  const end = min<u32>(first + REACH * RUN_WAYS, RUN_ROWS * RUN_WAYS);
  for (let index = first; index < end; ++index) {
    const run = atomicLoad<u64>(runSlot(index));
    const length = <usize>(run >> LENGTH_SHIFT);
    // In the first row there are shorter ones, too.
    if (length < count) continue;
    atomicStore<u64>(runSlot(index), 0);
    const page = <usize>(<u32>run);
    // What was freed before or behind it has made a longer one of it. To claim in vain and give back counts as a change, for which others
    // search again: so it is looked at first.
    if (isFree(page - 1) || !isFree(page) || isFree(page + length) || !claimPages(page, count)) continue;
    keep(page + count, length - count);
    return page;
  }
  return NO_PAGES;
}

/** Notes the run of free pages in which `count` pages from `page` lie, which have just become free. */
export function noteRun(page: usize, count: usize): void {
  const before = freeBefore(page);
  keep(page - before, before + count + freeFrom(page + count));
}

function isFree(page: usize): bool {
  return ((availablePages(page >> SUPERSLAB_PAGES_SHIFT) >> (<u32>(page & SUPERSLAB_PAGES_MASK))) & 1) != 0;
}

/** Notes a run of `length` free pages from `start` on, if it is long enough. */
function keep(start: usize, length: usize): void {
  if (length < 4) return;
  const first = rowOf(length) * RUN_WAYS;
  let slot = runSlot(first + ((<u32>start) & (RUN_WAYS - 1)));
  for (let way: u32 = 0; way < RUN_WAYS; ++way) {
    if (atomicLoad<u64>(runSlot(first + way)) == 0) slot = runSlot(first + way);
  }
  atomicStore<u64>(slot, ((<u64>length) << LENGTH_SHIFT) | (<u64>start));
}
