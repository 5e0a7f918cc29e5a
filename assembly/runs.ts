/**
 * Runs of free pages, kept by length for the next huge blocks (S12): taken, cut and joined without a look at the pool's bits.
 *
 *                 row 0: 4      row 1: 5        row 51
 *   runSlot(0) ─► ┌─────────────┬─────────────┬─ ─ ─┐     rows of runs of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 … pages, and more
 *                 │ 4 slots     │ 4 slots     │     │     a slot: the first page of such a run, and its length; 0: none
 *                 └─────────────┴─────────────┴─ ─ ─┘
 *   runEdge(page): the slot of the run that begins or ends with `page`; a hint, for pages that share it may have overwritten it
 *
 * A run in a slot is out of the pool. Whoever empties the slot by compare-and-swap owns its pages, as the value of the slot says them, no
 * matter how often they have come and gone meanwhile. What is kept is given back to the pool as soon as somebody finds no pages there
 * (`acquireAny`), and before memory goes back to the platform. On the way from slot to slot or to the pool a run is in nobody's reach:
 * that is a claim (pool.ts), for which others wait before they are refused memory. Who dies there loses the run, which therefore is never longer
 * than RUN_MAX: joined runs end there, and longer ones go to the pool.
 */

import { atomicAdd, atomicCas, atomicLoad, atomicStore } from "./atomic";
import { PAGE_SHIFT, RUN_MAX, RUN_ROWS, RUN_WAYS } from "./config";
import { Control, control, isCovered, runEdge, runSlot } from "./control";
import {
  NO_PAGES,
  acquirePages,
  beginClaim,
  claimPages,
  endClaim,
  freeBefore,
  freeFrom,
  markDirtyRun,
  noteRelease,
  putPages,
} from "./pool";
import { see } from "./view";

/** A slot is length << LENGTH_SHIFT | first page; 0: none. */
const LENGTH_SHIFT: u64 = 32;
const STEPS_SHIFT: u32 = 2;
const STEPS_MASK: u32 = (1 << STEPS_SHIFT) - 1;
const SLOTS: u32 = RUN_ROWS * RUN_WAYS;
/** Shorter runs are of more use in the pool. */
const LENGTH_MIN: usize = 1 << STEPS_SHIFT;

// @ts-ignore: decorator
@inline
function firstOf(run: u64): usize {
  return <usize>(<u32>run);
}

// @ts-ignore: decorator
@inline
function lengthOf(run: u64): usize {
  return <usize>(run >> LENGTH_SHIFT);
}

/** The first slot of the row of runs of `count` pages, LENGTH_MIN or more. */
// @ts-ignore: decorator
@inline
function rowOf(count: usize): usize {
  const shift: u32 = 31 - STEPS_SHIFT - clz<u32>(<u32>count);
  return runSlot(min<u32>((shift << STEPS_SHIFT) + (((<u32>count) >> shift) & STEPS_MASK), RUN_ROWS - 1) * RUN_WAYS);
}

/** The slot of the shortest run of `count` pages, LENGTH_MIN or more, or nearly the shortest; 0 when none is kept. */
export function findRun(count: usize): usize {
  const end = runSlot(SLOTS);
  for (let slot = rowOf(count); slot < end; slot += sizeof<u64>()) {
    if (lengthOf(atomicLoad<u64>(slot)) >= count) return slot;
  }
  return 0;
}

/** Takes `count` pages, LENGTH_MIN or more, from the start of a run; NO_PAGES when none is kept. */
export function takeRun(count: usize): usize {
  for (let slot = findRun(count); slot; slot = findRun(count)) {
    const run = atomicLoad<u64>(slot);
    if (lengthOf(run) >= count && cut(slot, run, count)) return firstOf(run);
  }
  return NO_PAGES;
}

/** Takes the pages [page, page + count) if they are the start of a run that is kept; if that is shorter, it goes to the pool. */
export function takeRunAt(page: usize, count: usize): bool {
  const slot = slotAt(page);
  const run = atomicLoad<u64>(slot);
  if (firstOf(run) != page) return false;
  if (lengthOf(run) >= count) return cut(slot, run, count);
  release(slot, run);
  return false;
}

/** Takes `run` out of `slot` if it is there still: then its pages are the caller's, and its tables tell of them. */
function takeOut(slot: usize, run: u64): bool {
  if (!atomicCas<u64>(slot, run, 0)) return false;
  countKept(-(<i32>lengthOf(run)));
  isCovered(firstOf(run) + lengthOf(run) - 1);
  return true;
}

function countKept(change: i32): void {
  if (HK_VIRTUAL) atomicAdd<u32>(changetype<usize>(control) + offsetof<Control>("kept"), <u32>change);
}

/** Takes `count` pages from the start of `run` if it is in `slot` still. */
function cut(slot: usize, run: u64, count: usize): bool {
  const rest = firstOf(run) + count;
  const end = firstOf(run) + lengthOf(run);
  beginClaim();
  const taken = takeOut(slot, run);
  const returned = taken && rest < end;
  if (taken) {
    see((end << PAGE_SHIFT) - 1);
    if (returned) keep(rest, end);
  }
  endClaim(returned);
  return taken;
}

/** Keeps the pages [page, page + count), which are the caller's, with free ones around them; as `releasePages`. */
export function keepRun(page: usize, count: usize): void {
  noteRelease();
  beginClaim();
  markDirtyRun(page, count);
  let end = page + count;
  let most = count < RUN_MAX ? RUN_MAX - count : 0;
  let more: usize = 0;
  do {
    more = takeFrom(end, most);
    end += more;
    most -= more;
  } while (more);
  do {
    more = takeBefore(page, most);
    page -= more;
    most -= more;
  } while (more);
  keep(page, end);
  endClaim(true);
}

/** The slot of the run that begins or ends with `page`, if it is kept. */
// @ts-ignore: decorator
@inline
function slotAt(page: usize): usize {
  return runSlot(<u32>load<u8>(runEdge(page)));
}

/** Takes free pages from `page` on, at most `most`; how many. */
function takeFrom(page: usize, most: usize): usize {
  const slot = slotAt(page);
  const run = atomicLoad<u64>(slot);
  if (firstOf(run) == page && lengthOf(run) <= most && takeOut(slot, run)) return lengthOf(run);
  const free = freeFrom(page, most);
  return free && claimPages(page, free) ? free : 0;
}

/** Takes free pages that end before `page`, at most `most`; how many. */
function takeBefore(page: usize, most: usize): usize {
  const slot = slotAt(page - 1);
  const run = atomicLoad<u64>(slot);
  if (firstOf(run) + lengthOf(run) == page && lengthOf(run) <= most && takeOut(slot, run)) return lengthOf(run);
  const free = freeBefore(page, most);
  return free && claimPages(page - free, free) ? free : 0;
}

/** Puts the pages [page, end), which are the caller's, into a slot, or into the pool; in a claim. */
function keep(page: usize, end: usize): void {
  const length = end - page;
  if (length - LENGTH_MIN <= RUN_MAX - LENGTH_MIN) {
    const run = ((<u64>length) << LENGTH_SHIFT) | (<u64>page);
    countKept(<i32>length);
    let slot = rowOf(length);
    for (let way: u32 = 0; way < RUN_WAYS; ++way) {
      if (!atomicLoad<u64>(slot) && atomicCas<u64>(slot, 0, run)) {
        const index = <u8>((slot - runSlot(0)) / sizeof<u64>());
        store<u8>(runEdge(page), index);
        store<u8>(runEdge(end - 1), index);
        return;
      }
      slot += sizeof<u64>();
    }
    countKept(-(<i32>length));
  }
  putPages(page, length, false);
}

/** Gives `run` back to the pool if it is in `slot` still. */
function release(slot: usize, run: u64): bool {
  beginClaim();
  const taken = takeOut(slot, run);
  if (taken) putPages(firstOf(run), lengthOf(run), false);
  endClaim(taken);
  return taken;
}

/** Gives all runs back to the pool; true when there were some. */
export function releaseRuns(): bool {
  let any = false;
  for (let index: u32 = 0; index < SLOTS; ++index) {
    const run = atomicLoad<u64>(runSlot(index));
    if (run && release(runSlot(index), run)) any = true;
  }
  return any;
}

/** Counts anew what is kept: who was between a slot and the count is dead. */
export function recountKept(): void {
  if (HK_VIRTUAL) atomicStore<u32>(changetype<usize>(control) + offsetof<Control>("kept"), <u32>keptPages());
}

/** Pages that are kept; a snapshot. */
export function keptPages(): usize {
  let pages: usize = 0;
  for (let index: u32 = 0; index < SLOTS; ++index) pages += lengthOf(atomicLoad<u64>(runSlot(index)));
  return pages;
}

/** As `acquirePages`, of all pages that there are. */
export function acquireAny(count: usize, align: usize, within: bool): usize {
  const page = acquirePages(count, align, within);
  return page != NO_PAGES || !releaseRuns() ? page : acquirePages(count, align, within);
}
