/**
 * The shared pool of pages: the only place where a page changes state.
 *
 * The state of the 32 pages of a SuperSlab is one word of bits, changed by compare-and-swap:
 *
 *   available[superslab]   bit p = 1: page p is UNUSED      page p is nobody's, the pool may hand it out
 *                          bit p = 0: ACTIVE or not ours    it belongs to who acquired it, until it is released
 *   dirty[superslab]       bit p = 1: page p may hold old data; 0: it reads as zero
 *   owned[superslab]       bit p = 1: page p came from the platform, once and for all
 *
 * Neighbours coalesce by being neighbours: a run of pages is a run of bits, wherever its parts were before, also across
 * SuperSlabs. Memory that is all zeros means "nothing available", so a SuperSlab needs no preparation: a thread that
 * got pages from the platform makes them known by setting their bits.
 *
 * Whoever clears a bit of `available` owns the page from then on. A thread that dies between clearing and using leaks
 * the page and nothing else.
 *
 * Read `acquirePages` first.
 */

import { atomicAdd, atomicAnd, atomicCas, atomicLoad, atomicOr, atomicStore } from "./atomic";
import {
  GROW_UNIT,
  NEAR_PAGES,
  NEAR_SUPERSLABS,
  PAGES,
  PAGES_END,
  PAGE_SHIFT,
  PAGE_SIZE,
  SUPERSLAB_PAGES,
  SUPERSLAB_PAGES_MASK,
  SUPERSLAB_PAGES_SHIFT,
} from "./config";
import {
  Control,
  availableHere,
  availableOf,
  control,
  dirtyHere,
  dirtyOf,
  FAR_PAGES,
  createdEnd,
  farFirst,
  isCovered,
  makeFar,
  needsFar,
  ownedOf,
  tablesEnd,
} from "./control";
import * as platform from "./platform";
import { GROWTHS, countOfHeap } from "./counters";
import * as native from "./platform/native";
import { KIND_METADATA, setKind } from "./region";
import { closeGates, see } from "./view";

const ALL: u32 = u32.MAX_VALUE;

/** No run of pages: page 0 is never the pool's. */
export const NO_PAGES: usize = 0;

/** Of the memory there is, growth adds this fraction: what is grown and not yet used stays small against what is used. */
const GROW_FRACTION_SHIFT: usize = 5;

/** Searches for memory that are repeated, at most, because others have given some back meanwhile. */
const RETRIES: u32 = 16;
/**
 * How often a thread that is about to be refused memory looks whether others still hold some that they may give back: for some
 * milliseconds on wasm, ten times as long where it yields in between. Nobody holds any for so long, but who is dead or stopped.
 */
const PATIENCE: u32 = HK_VIRTUAL ? 1 << 16 : 1 << 22;

/** Bits of `count` pages from bit `first` on; first + count <= SUPERSLAB_PAGES. */
// @ts-ignore: decorator
@inline
function maskOf(first: usize, count: usize): u32 {
  return (ALL >> (<u32>(SUPERSLAB_PAGES - count))) << (<u32>first);
}

/** The available pages of a SuperSlab as bits; a snapshot. */
export function availablePages(superslab: usize): u32 {
  return isCovered(superslab << SUPERSLAB_PAGES_SHIFT) ? atomicLoad<u32>(availableOf(superslab)) : 0;
}

/**
 * Takes `count` adjacent pages from those there are.
 * @param align the address of the run is a multiple of this many pages, a power of two
 * @param within the run may not cross a SuperSlab boundary
 * @returns the first page, or NO_PAGES
 */
export function acquirePages(count: usize, align: usize, within: bool): usize {
  const end = <usize>atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("end"));
  const low = atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("lowestFree"));
  const page = scan(<usize>low, end, count, align, within);
  if (page != NO_PAGES) {
    // Single pages go to the lowest place, so nothing below this SuperSlab was free when we looked.
    const superslab = <u32>(page >> SUPERSLAB_PAGES_SHIFT);
    if (count == 1 && superslab > low) {
      atomicCas<u32>(changetype<usize>(control) + offsetof<Control>("lowestFree"), low, superslab);
    }
    return page;
  }
  // The hint can be behind a release that came while we moved it: look everywhere before giving up.
  const first = firstSuperslab();
  return first < <usize>low ? scan(first, end, count, align, within) : NO_PAGES;
}

/** First fit in the SuperSlabs [superslab, end). */
function scan(superslab: usize, end: usize, count: usize, align: usize, within: bool): usize {
  let start: usize = 0;
  let run: usize = 0;
  /** Where the current run begins. */
  let origin: usize = superslab;
  if (!isCovered((end << SUPERSLAB_PAGES_SHIFT) - 1)) end = min(end, NEAR_SUPERSLABS);
  while (superslab < end) {
    const bits = atomicLoad<u32>(availableOf(superslab));
    if (within || !bits) run = 0;
    if (!bits) {
      ++superslab;
      continue;
    }
    const base = superslab << SUPERSLAB_PAGES_SHIFT;
    let bit: usize = 0;
    let retry = false;
    while (bit < SUPERSLAB_PAGES) {
      let rest = bits >> (<u32>bit);
      if (rest == 0) {
        run = 0;
        break;
      }
      const gap = <usize>ctz<u32>(rest);
      if (gap) {
        run = 0;
        bit += gap;
        rest >>= <u32>gap;
      }
      const ones = (<usize>ctz<u32>(~rest)) & SUPERSLAB_PAGES_MASK;
      const length = rest == ALL ? SUPERSLAB_PAGES : ones;
      if (run == 0) {
        start = base + bit;
        origin = superslab;
      }
      run += length;
      bit += length;
      const aligned = (start + align - 1) & ~(align - 1);
      if (start + run >= aligned + count) {
        if (claimPages(aligned, count)) return aligned;
        retry = true;
        break;
      }
    }
    // Somebody was faster: look again at all that the run lay in, as it is now.
    if (retry) {
      run = 0;
      superslab = origin;
    } else ++superslab;
  }
  return NO_PAGES;
}

/**
 * Takes the pages [page, page + count) if all of them are available; all or nothing.
 * @returns false when one of them is not
 */
export function claimPages(page: usize, count: usize): bool {
  if (!isCovered(page + count - 1)) return false;
  // In one SuperSlab it is one step; over several, others may see some taken that are given back.
  const several = (page ^ (page + count - 1)) >> SUPERSLAB_PAGES_SHIFT != 0;
  if (several) beginClaim();
  const claimed = claimRuns(page, count);
  if (several) endClaim(!claimed);
  if (claimed) see(((page + count) << PAGE_SHIFT) - 1);
  return claimed;
}

function claimRuns(page: usize, count: usize): bool {
  let next = page;
  const end = page + count;
  while (next < end) {
    const superslab = next >> SUPERSLAB_PAGES_SHIFT;
    const first = next & SUPERSLAB_PAGES_MASK;
    const length = min<usize>(SUPERSLAB_PAGES - first, end - next);
    const mask = maskOf(first, length);
    const address = availableHere(superslab);
    let bits = atomicLoad<u32>(address);
    while ((bits & mask) == mask && !atomicCas<u32>(address, bits, bits & ~mask)) {
      bits = atomicLoad<u32>(address);
    }
    if ((bits & mask) != mask) {
      // What was claimed so far was not touched: give it back as it was.
      putPages(page, next - page, false);
      return false;
    }
    if (HK_VIRTUAL && bits == ownedPages(superslab)) countRetained(superslab, -1);
    next += length;
  }
  return true;
}

/**
 * Gives pages back. They must be the caller's, with no block in them handed out.
 * Their bytes in the region map say so already, so that a late `free` of a pointer into them is refused.
 */
export function releasePages(page: usize, count: usize): void {
  noteRelease();
  beginClaim();
  putPages(page, count, true);
  endClaim(true);
}

/** How often this instance has given back what it or all keep for later; wasm only, where the platform cannot say it. */
export let releases: u32 = 0;

export function noteRelease(): void {
  if (!HK_VIRTUAL) ++releases;
}

/**
 * Makes the caller's pages available, in a claim of the caller's.
 * @param dirty somebody may have written to them
 */
export function putPages(page: usize, count: usize, dirty: bool): void {
  const end = page + count;
  const lowest = <u32>(page >> SUPERSLAB_PAGES_SHIFT);
  while (page < end) {
    const superslab = page >> SUPERSLAB_PAGES_SHIFT;
    const first = page & SUPERSLAB_PAGES_MASK;
    const length = min<usize>(SUPERSLAB_PAGES - first, end - page);
    const mask = maskOf(first, length);
    if (dirty) markDirty(superslab, mask);
    const bits = atomicOr<u32>(availableHere(superslab), mask) | mask;
    if (HK_VIRTUAL && bits == ownedPages(superslab)) countRetained(superslab, 1);
    page += length;
  }
  lowerHint(lowest);
}

// A search takes time, and memory that comes and goes where it has already been, or has not yet, is no reason to refuse:
//
//   traffic   63 ┄┄┄┄┄┄ 32   31 ┄┄┄┄┄┄ 0
//            ┌────────────┬─────────────┐    changes: claims that have made memory available
//            │  changes   │   claims    │    claims: threads that are making some available, or hold some that they may give
//            └────────────┴─────────────┘    back unused
//
// Who finds none waits for the claims to end, and searches again if the count of changes is not what it was before.

const CHANGE: u64 = 1 << 32;

// @ts-ignore: decorator
@inline
function traffic(): usize {
  return changetype<usize>(control) + offsetof<Control>("traffic");
}

/** The count of changes, to be taken before a search. */
export function poolChanges(): u32 {
  return HK_SHARED ? <u32>(atomicLoad<u64>(traffic()) >> 32) : 0;
}

/** To be called before memory is made available, or taken that may be given back unused. */
export function beginClaim(): void {
  if (HK_SHARED) atomicAdd<u64>(traffic(), 1);
}

/** Some memory has become available, in one step that needed no claim. */
export function noteChange(): void {
  if (HK_SHARED) atomicAdd<u64>(traffic(), CHANGE);
}

/** @param changed some memory has become available */
export function endClaim(changed: bool): void {
  if (HK_SHARED) atomicAdd<u64>(traffic(), changed ? CHANGE - 1 : <u64>-1);
}

/**
 * True when memory has become available since `since`, after those that hold some for a moment have decided. They are
 * waited for only a while: one may have died at it. When some has become available that is no reason to wait for the others at first,
 * but the more often it has not been enough: what is wanted may be with one that is stopped, while others come and go.
 * @param patience how often it looks although something has changed
 */
function changedSince(since: u32, patience: u32): bool {
  let changed = false;
  for (let n: u32 = 0; n < PATIENCE; ++n) {
    const word = atomicLoad<u64>(traffic());
    changed = <u32>(word >> 32) != since;
    if (!(<u32>word) || (changed && n >= patience)) break;
    platform.rest();
  }
  return changed;
}

/**
 * True when it is worth while to look again for what was not found: for the first time, and later when others have decided
 * what to give back.
 * @param since `poolChanges` before the search
 * @param tries how many searches have been repeated before it
 */
export function isWorthRetrying(since: u32, tries: u32): bool {
  return HK_SHARED && (tries == 0 || (tries < RETRIES && changedSince(since, PATIENCE >> (RETRIES - tries))));
}

/** Ends the claims of all threads, which are dead. */
export function forgetClaims(): void {
  atomicAnd<u64>(traffic(), -CHANGE);
}

/** Moves the hint down to `superslab`. */
function lowerHint(superslab: u32): void {
  const address = changetype<usize>(control) + offsetof<Control>("lowestFree");
  let low = atomicLoad<u32>(address);
  while (superslab < low && !atomicCas<u32>(address, low, superslab)) low = atomicLoad<u32>(address);
}

/**
 * Gets more pages from the platform, so that a run of `count` pages may be found.
 *
 * Grows by a fraction of what there is, within the profile's bound; when that is refused, by less and less down to
 * exactly what is missing behind the pages that are free at the end of memory.
 * @param since `poolChanges` before the search that found nothing
 * @param tries how many searches have been repeated before it
 * @returns true when another search is worth while: memory has grown, although another thread may take it first, or
 *   others have given some back, or may have, since the platform refuses for the first time; false when it has no more and
 *   nothing has changed
 */
export function growPool(count: usize, since: u32, tries: u32): bool {
  if (count >= PAGES) return false;
  const unit = GROW_UNIT >> PAGE_SHIFT;
  const needed = missing(count, unit);
  const committed = atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed"));
  let step = max<usize>(HK_GROW_MIN_PAGES, committed >> (PAGE_SHIFT + GROW_FRACTION_SHIFT));
  step = min<usize>(step, (<usize>HK_GROW_MAX_BYTES) >> PAGE_SHIFT);
  step = (max(step, needed) + unit - 1) & ~(unit - 1);
  if (HK_NATIVE && needed < count && !native.continues(step << PAGE_SHIFT)) step = needed;
  while (true) {
    if (addPages(step, step != needed)) return true;
    // What others cached meanwhile is found by those who collect once more.
    if (step == needed) {
      if (isWorthRetrying(since, tries)) return true;
      // What another thread was about to grow by, and has given back, may have hidden what is free at the end.
      return HK_NATIVE && tries < RETRIES && missing(count, unit) < needed;
    }
    step = max(needed, (step >> 1) & ~(unit - 1));
  }
}

/** Pages by which memory must grow so that `count` of them lie together, a multiple of `unit`. */
function missing(count: usize, unit: usize): usize {
  const needed = (count - min(trailingPages(), count - 1) + unit - 1) & ~(unit - 1);
  // Where memory does not continue, what is free at its end is of no use.
  return HK_NATIVE && !native.continues(needed << PAGE_SHIFT) ? (count + unit - 1) & ~(unit - 1) : needed;
}

/** Free pages that end where memory ends: growth continues their run. */
function trailingPages(): usize {
  return freeBefore(min(platform.endPage(PAGE_SHIFT), PAGES_END), PAGES_END);
}

/** Free pages that end before page `end`, at most `most`. */
export function freeBefore(end: usize, most: usize): usize {
  if (!isCovered(end - 1)) return 0;
  let page = end;
  while (page > 0 && end - page < most) {
    const bit = (page - 1) & SUPERSLAB_PAGES_MASK;
    const bits = atomicLoad<u32>(availableHere((page - 1) >> SUPERSLAB_PAGES_SHIFT));
    const run = <usize>clz<u32>(~(bits << ((SUPERSLAB_PAGES_MASK - bit) as u32)));
    page -= run;
    if (run <= bit) break;
  }
  return min<usize>(end - page, most);
}

/** Free pages from `first` on, at most `most`. */
export function freeFrom(first: usize, most: usize): usize {
  let page = first;
  const end = isCovered(PAGES_END - 1) ? PAGES_END : NEAR_PAGES;
  while (page < end && page - first < most) {
    const bit = page & SUPERSLAB_PAGES_MASK;
    const run = <usize>ctz<u32>(~(atomicLoad<u32>(availableHere(page >> SUPERSLAB_PAGES_SHIFT)) >> (<u32>bit)));
    page += run;
    if (run < SUPERSLAB_PAGES - bit) break;
  }
  return min<usize>(page - first, most);
}

/** Asks the platform for `count` pages, of which less would do when they are `spare`; false when it refuses. */
function addPages(count: usize, spare: bool): bool {
  const end = platform.endPage(PAGE_SHIFT) + count;
  const needed = needsFar(end) ? count + FAR_PAGES : count;
  // The memory may be larger than what the profile can address. The end of virtual memory says nothing about where more will lie.
  if (!HK_VIRTUAL && end - count + needed > PAGES_END) return false;
  beginClaim();
  const address = platform.grow(needed << PAGE_SHIFT, spare);
  const grown = address != usize.MAX_VALUE && donateGrown(address >> PAGE_SHIFT, needed);
  endClaim(grown);
  if (grown) countOfHeap(GROWTHS, 1);
  return grown;
}

/** Makes pages from the platform available, after taking from their end what tells of them; false when none can be used. */
function donateGrown(page: usize, count: usize): bool {
  // Another thread may have grown in between: what lies beyond the end then is lost, and so is what is too little to tell of itself.
  if (page >= PAGES_END) return false;
  count = min(count, PAGES_END - page);
  const all = count;
  let tables: usize = NO_PAGES;
  if (needsFar(page + count)) {
    if (count >= FAR_PAGES) {
      tables = page + count - FAR_PAGES;
      if (makeFar(tables << PAGE_SHIFT)) count -= FAR_PAGES;
      else tables = NO_PAGES;
    } else if (page < NEAR_PAGES) count = NEAR_PAGES - page;
    else return false;
  }
  atomicAdd<usize>(
    changetype<usize>(control) + offsetof<Control>("committed"),
    (tables == NO_PAGES ? count : all) << PAGE_SHIFT,
  );
  closeGates();
  if (tables != NO_PAGES) setKind(tables, FAR_PAGES, KIND_METADATA);
  donatePages(page, count);
  return true;
}

/** The pages that `create` took become the allocator's own where its tables lie, and available behind; false when nothing can tell of them. */
export function donateCreated(): bool {
  const page = changetype<usize>(control) >> PAGE_SHIFT;
  const end = tablesEnd();
  beginClaim();
  if (needsFar(createdEnd())) {
    const tables = platform.grow(FAR_PAGES << PAGE_SHIFT, false);
    if (tables == usize.MAX_VALUE || (tables >> PAGE_SHIFT) + FAR_PAGES > PAGES_END) {
      endClaim(false);
      return false;
    }
    atomicAdd<usize>(changetype<usize>(control) + offsetof<Control>("committed"), FAR_PAGES << PAGE_SHIFT);
    if (!makeFar(tables)) donatePages(tables >> PAGE_SHIFT, FAR_PAGES);
  }
  if (farFirst()) setKind(farFirst(), FAR_PAGES, KIND_METADATA);
  setKind(page, end - page, KIND_METADATA);
  donatePages(end, createdEnd() - end);
  endClaim(true);
  return true;
}

/** Makes `count` pages that the platform gave known as available, in a claim of the caller's. They must read as zero. */
function donatePages(page: usize, count: usize): void {
  if (count == 0) return;
  const end = page + count;
  widen(<u32>(page >> SUPERSLAB_PAGES_SHIFT), <u32>((end - 1) >> SUPERSLAB_PAGES_SHIFT));
  for (let next = page; next < end;) {
    const superslab = next >> SUPERSLAB_PAGES_SHIFT;
    const first = next & SUPERSLAB_PAGES_MASK;
    const length = min<usize>(SUPERSLAB_PAGES - first, end - next);
    atomicOr<u32>(ownedOf(superslab), maskOf(first, length));
    next += length;
  }
  putPages(page, count, false);
}

/** Makes all pages available, whoever has them: for the only thread of a private heap. */
export function releaseAll(): void {
  const end = endSuperslab();
  // Another instance may have made the far tables.
  isCovered((end << SUPERSLAB_PAGES_SHIFT) - 1);
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    const owned = ownedPages(superslab);
    atomicOr<u32>(dirtyOf(superslab), owned & ~availablePages(superslab));
    atomicStore<u32>(availableOf(superslab), owned);
  }
  lowerHint(0);
}

/** A SuperSlab has become empty, or is used again: counts it if it keeps memory that could be given back. */
function countRetained(superslab: usize, change: i32): void {
  if (dirtyPages(superslab)) atomicAdd<u32>(changetype<usize>(control) + offsetof<Control>("retained"), <u32>change);
}

/** Widens [first, end) to hold the SuperSlabs `from` and `to`. */
function widen(from: u32, to: u32): void {
  const first = changetype<usize>(control) + offsetof<Control>("first");
  let seen: u32 = HK_NATIVE ? atomicLoad<u32>(first) : 0;
  while (HK_NATIVE && from < seen && !atomicCas<u32>(first, seen, from)) seen = atomicLoad<u32>(first);
  const end = changetype<usize>(control) + offsetof<Control>("end");
  seen = atomicLoad<u32>(end);
  while (to + 1 > seen && !atomicCas<u32>(end, seen, to + 1)) seen = atomicLoad<u32>(end);
}

/** First SuperSlab that has pages. */
export function firstSuperslab(): usize {
  if (!HK_NATIVE) return 0;
  return <usize>atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("first"));
}

/** One more than the last SuperSlab that has pages. */
export function endSuperslab(): usize {
  return <usize>atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("end"));
}

/** The pages of a SuperSlab that came from the platform. */
export function ownedPages(superslab: usize): u32 {
  return atomicLoad<u32>(ownedOf(superslab));
}

/** The pages of a SuperSlab that may hold old data. */
export function dirtyPages(superslab: usize): u32 {
  return atomicLoad<u32>(dirtyOf(superslab));
}

/** Clears those of the caller's pages [page, end) that may hold old data. */
export function clearDirty(page: usize, end: usize): void {
  for (; page < end; ++page) {
    const bit = <u32>(page & SUPERSLAB_PAGES_MASK);
    if ((dirtyPages(page >> SUPERSLAB_PAGES_SHIFT) >> bit) & 1) memory.fill(page << PAGE_SHIFT, 0, PAGE_SIZE);
  }
}

/** Notes that some pages of a SuperSlab, as bits, may not read as zero any more. */
export function markDirty(superslab: usize, pages: u32): void {
  const address = dirtyHere(superslab);
  if ((atomicLoad<u32>(address) & pages) != pages) atomicOr<u32>(address, pages);
}

/** Notes that pages [page, page + count), which are the caller's, may not read as zero any more. */
export function markDirtyRun(page: usize, count: usize): void {
  const end = page + count;
  while (page < end) {
    const first = page & SUPERSLAB_PAGES_MASK;
    const length = min<usize>(SUPERSLAB_PAGES - first, end - page);
    markDirty(page >> SUPERSLAB_PAGES_SHIFT, maskOf(first, length));
    page += length;
  }
}

/** Notes that claimed pages [page, page + count) of one SuperSlab read as zero. */
export function markClean(page: usize, count: usize): void {
  atomicAnd<u32>(dirtyOf(page >> SUPERSLAB_PAGES_SHIFT), ~maskOf(page & SUPERSLAB_PAGES_MASK, count));
}

/** True when nothing but free pages lies between `page` and the end of memory, so that growth adds to what ends there. */
export function isTrailing(page: usize): bool {
  // A page of another span can lie behind the end: the difference is huge then.
  return min(platform.endPage(PAGE_SHIFT), PAGES_END) - page <= trailingPages();
}
