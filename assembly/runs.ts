/**
 * Runs of free pages, found by length (S12): where huge blocks were freed, the next ones are cut, without a search through the pool.
 *
 *                 row 0: 4      row 1: 5        row 51
 *   runSlot(0) ─► ┌─────────────┬─────────────┬─ ─ ─┐     rows of runs of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 … pages, and more
 *                 │ 4 slots     │ 4 slots     │     │     a slot: the first page of such a run; 0: none
 *                 └─────────────┴─────────────┴─ ─ ─┘
 *
 * Slots are hints, and nothing more. The pages of a run are available in the pool, to whoever claims them first; a run that has become
 * shorter, or part of a longer one, is passed over. So all threads read and write slots as they like, no memory is kept from anybody, and
 * what is forgotten is found by the pool's own search.
 */

import { atomicLoad, atomicStore } from "./atomic";
import { PAGES, RUN_ROWS, RUN_WAYS } from "./config";
import { runSlot } from "./control";
import { NO_PAGES, claimPages, freeBefore, freeFrom } from "./pool";

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
    const page = <usize>atomicLoad<u32>(runSlot(index));
    if (page == 0) continue;
    const free = freeFrom(page, count);
    // What was freed before it has made a longer one of it. To claim in vain and give back counts as a change, for which others search
    // again: so it is looked at first.
    if (free && freeBefore(page) == 0) {
      if (free >= count && claimPages(page, count)) {
        atomicStore<u32>(runSlot(index), 0);
        noteRun(page + count);
        return page;
      }
      // In the first row there are shorter ones, too.
      if (index < first + RUN_WAYS) continue;
    }
    atomicStore<u32>(runSlot(index), 0);
  }
  return NO_PAGES;
}

/** Notes the run of free pages in which `page` lies, if it does in one. */
export function noteRun(page: usize): void {
  const after = freeFrom(page, PAGES);
  if (after == 0) return;
  const before = freeBefore(page);
  const start = page - before;
  if (after + before < 4) return;
  const row = rowOf(after + before) * RUN_WAYS;
  let slot = runSlot(row + ((<u32>start) & (RUN_WAYS - 1)));
  for (let way: u32 = 0; way < RUN_WAYS; ++way) {
    const found = atomicLoad<u32>(runSlot(row + way));
    if (found == <u32>start) return;
    if (found == 0) slot = runSlot(row + way);
  }
  atomicStore<u32>(slot, <u32>start);
}
