/**
 * Large blocks: runs of granules. Huge blocks: runs of pages.
 *
 * Both are bits, so neighbours coalesce without being told, and a block may start and end anywhere: what is wasted is
 * less than a granule of 1/8 of the smallest large block, or a page of 1/8 of the smallest huge one.
 *
 *   SuperSlab   page 0          page 1          page 2          page 3
 *              │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒            │                │ slab …        free granules: the bits of page 1's
 *              └─ large block ──────┘                                              tail; page 2 is not used for large
 *                                                                                  blocks: available in the pool
 *
 * A page joins when a large block comes to lie in it and goes back to the pool when its last granule is free. A search
 * takes granules of joined pages and available pages as one row of free granules.
 *
 * All threads share all of it, by compare-and-swap on the words of bits; whoever clears a bit owns the granule. The
 * length of a block is written by who allocated it, and cleared by who frees it: 0 is no block. So a pointer into a block,
 * or to one that was freed and whose granules nobody has taken since, is told apart from a block.
 */

import { atomicCas, atomicLoad, atomicOr } from "./atomic";
import {
  GRANULE_SHIFT,
  GRANULE_SIZE,
  MEDIUM_MAX,
  PAGES,
  PAGE_GRANULES,
  PAGE_GRANULES_SHIFT,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  SMALL_MAX,
  SUPERSLAB_GRANULES,
  SUPERSLAB_PAGES,
  SUPERSLAB_PAGES_SHIFT,
  SUPERSLAB_SHIFT,
} from "./config";
import { isCovered, longestOf } from "./control";
import {
  NO_PAGES,
  acquirePages,
  acquiredClean,
  availablePages,
  beginClaim,
  claimPages,
  dirtyPages,
  endClaim,
  endSuperslab,
  firstSuperslab,
  growPool,
  isTrailing,
  noteChange,
  poolChanges,
  putPages,
  releaseClaimed,
  releasePages,
} from "./pool";
import { EACH_BYTE, KIND_HUGE, KIND_HUGE_TAIL, KIND_LARGE, countKind, kindOfPage, setKind } from "./region";
import { classOf } from "./size-class";
import { GRANULES_OFFSET, LENGTHS_OFFSET, ensureMetadata, lookUp, metadataOf } from "./superslab";
import { see } from "./view";

const WORD_BITS: usize = 64;
const WORD_SHIFT: usize = 6;
const WORD_MASK: usize = WORD_BITS - 1;
const ALL: u64 = u64.MAX_VALUE;
const PAGE_BITS: u64 = (1 << PAGE_GRANULES) - 1;
/** Pages whose granules share a word. */
const WORD_PAGES: usize = WORD_BITS >> PAGE_GRANULES_SHIFT;
const NO_RUN: usize = SUPERSLAB_GRANULES;
/** Longest block that fits the byte of its length. */
const LENGTH_MAX: usize = u8.MAX_VALUE;
/** A hint of so many says: or more. */
const LONGEST_MAX: u64 = 127;
const SUPERSLAB_MASK: usize = ((<usize>1) << SUPERSLAB_SHIFT) - 1;

/** True when the last large block that this instance got reads as zero. */
export let blockClean: bool = false;

// --- Large ---------------------------------------------------------------------------------------------------------

/** Address of the atomic word that holds the bit of granule `granule`. */
// @ts-ignore: decorator
@inline
function wordOf(metadata: usize, granule: usize): usize {
  return metadata + GRANULES_OFFSET + (granule >> WORD_SHIFT) * sizeof<u64>();
}

// @ts-ignore: decorator
@inline
function lengthOf(metadata: usize, granule: usize): usize {
  return metadata + LENGTHS_OFFSET + granule;
}

/** Bits of `count` granules from bit `first` of a word. */
// @ts-ignore: decorator
@inline
function maskOf(first: usize, count: usize): u64 {
  return (ALL >> (<u64>(WORD_BITS - count))) << (<u64>first);
}

/** The granules of those of a word's pages that are among `pages`: the four bits, sixteen times each. */
// @ts-ignore: decorator
@inline
function spread(pages: u32, granule: usize): u64 {
  const bits = <u64>((pages >> (<u32>(granule >> PAGE_GRANULES_SHIFT))) & (((<u32>1) << (<u32>WORD_PAGES)) - 1));
  return ((bits & 1) | ((bits & 2) << 15) | ((bits & 4) << 30) | ((bits & 8) << 45)) * PAGE_BITS;
}

/**
 * Start of the first run of `count` free granules at an aligned start; NO_RUN when there is none.
 *
 * A run that begins in a word is found by shifting the word over itself: after steps of 1, 2, 4 … a bit is set where so many of them
 * begin (Warren: Hacker's Delight, 6-3). All six steps are taken, of 0 where fewer will do: branches could not be foretold. `run` are
 * the free granules at the end of the words before.
 * @param pages whose granules are free as well, because they are available in the pool
 */
function fit(metadata: usize, pages: u32, count: usize, align: usize): usize {
  let steps = <u64>count - 1;
  const step1 = min<u64>(steps, 1);
  steps -= step1;
  const step2 = min<u64>(steps, 2);
  steps -= step2;
  const step4 = min<u64>(steps, 4);
  steps -= step4;
  const step8 = min<u64>(steps, 8);
  steps -= step8;
  const step16 = min<u64>(steps, 16);
  steps -= step16;
  const step32 = min<u64>(steps, 32);
  // Where a run within a word may begin. Aligned to a whole word, or longer, it is found as the head of one.
  const starts: u64 = steps > step32 ? 0 : align < WORD_BITS ? ALL / (((<u64>1) << (<u64>align)) - 1) : 1;
  let run: usize = 0;
  for (let base: usize = 0; base < SUPERSLAB_GRANULES; base += WORD_BITS) {
    let bits = metadata ? atomicLoad<u64>(wordOf(metadata, base)) : 0;
    if (pages) bits |= spread(pages, base);
    const start = (base - run + align - 1) & ~(align - 1);
    if (start + count <= base + <usize>ctz<u64>(~bits)) return start;
    let begins = bits & (bits >> step1);
    begins &= begins >> step2;
    begins &= begins >> step4;
    begins &= begins >> step8;
    begins &= begins >> step16;
    begins &= begins >> step32;
    begins &= starts;
    if (begins) return base + <usize>ctz<u64>(begins);
    run = bits == ALL ? run + WORD_BITS : <usize>clz<u64>(~bits);
  }
  return NO_RUN;
}

// Hints: for each SuperSlab the length of its longest run of free granules, or more; after a race it can be less. LONGEST_MAX says
// "so many or more", and leaves the top bit free, by which eight are compared at a time.

const HINTS: usize = sizeof<u64>();
const TOP_BITS: u64 = EACH_BYTE << 7;

/** The first SuperSlab from `superslab` on that may have a run of `count` granules; `end` when none has. */
function roomyFrom(superslab: usize, end: usize, count: usize): usize {
  const least = EACH_BYTE * min<u64>(<u64>count, LONGEST_MAX);
  while (superslab < end) {
    const base = superslab & ~(HINTS - 1);
    const before = <u64>((superslab - base) << 3);
    const roomy = ((((load<u64>(longestOf(base)) | TOP_BITS) - least) & TOP_BITS) >> before) << before;
    if (roomy) return min(base + ((<usize>ctz<u64>(roomy)) >> 3), end);
    superslab = base + HINTS;
  }
  return end;
}

/** Notes how long the run of free granules around [granule, end) is. */
function noteRun(superslab: usize, metadata: usize, granule: usize, end: usize): void {
  while (granule > 0) {
    const bit = (granule - 1) & WORD_MASK;
    const free = <usize>clz<u64>(~(atomicLoad<u64>(wordOf(metadata, granule - 1)) << (<u64>(WORD_MASK - bit))));
    granule -= free;
    if (free <= bit) break;
  }
  while (end < SUPERSLAB_GRANULES) {
    const bit = end & WORD_MASK;
    const free = <usize>ctz<u64>(~(atomicLoad<u64>(wordOf(metadata, end)) >> (<u64>bit)));
    end += free;
    if (free < WORD_BITS - bit) break;
  }
  const run = min<usize>(end - granule, <usize>LONGEST_MAX);
  if (<usize>load<u8>(longestOf(superslab)) < run) store<u8>(longestOf(superslab), <u8>run);
}

/**
 * A block of `size` bytes at a multiple of `align`, both at most LARGE_MAX and PAGE_SIZE, from the pages there are.
 * @param thorough look also where the hints say that there is no room; they can be wrong after a race
 * @returns 0 when there is no room for it
 */
export function allocateLarge(size: usize, align: usize, thorough: bool): usize {
  const count = (size + (GRANULE_SIZE - 1)) >> GRANULE_SHIFT;
  const alignGranules = max<usize>(1, align >> GRANULE_SHIFT);
  const first = firstSuperslab();
  const end = endSuperslab();
  if (end == 0 || !isCovered((end << SUPERSLAB_PAGES_SHIFT) - 1)) return 0;
  // What is left over between large blocks first.
  for (let superslab = roomyFrom(first, end, count); superslab < end; superslab = roomyFrom(superslab + 1, end, count)) {
    const hint = load<u8>(longestOf(superslab));
    const granule = fit(lookUp(superslab), 0, count, alignGranules);
    if (granule != NO_RUN) {
      if (claimGranules(superslab, granule, count)) return finish(superslab, granule, count);
    } else if (alignGranules == 1 && load<u8>(longestOf(superslab)) == hint) {
      // What is freed meanwhile may be forgotten by this: hence `thorough`.
      store<u8>(longestOf(superslab), <u8>(min<usize>(count, <usize>LONGEST_MAX) - 1));
    }
  }
  for (let superslab = first; superslab < end;) {
    const pages = availablePages(superslab);
    const longest = <usize>load<u8>(longestOf(superslab));
    const room = ((<usize>popcnt<u32>(pages)) << PAGE_GRANULES_SHIFT) + longest;
    if (thorough || (pages && (room >= count || longest == <usize>LONGEST_MAX))) {
      const granule = fit(metadataOf(superslab), pages, count, alignGranules);
      if (granule != NO_RUN) {
        if (ensureMetadata(superslab) == 0) {
          ++superslab;
          continue;
        }
        if (claimGranules(superslab, granule, count)) return finish(superslab, granule, count);
        continue;
      }
    }
    ++superslab;
  }
  return 0;
}

function finish(superslab: usize, granule: usize, count: usize): usize {
  store<u8>(lengthOf(metadataOf(superslab), granule), <u8>count);
  return (superslab << SUPERSLAB_SHIFT) + (granule << GRANULE_SHIFT);
}

/** Of the granules [granule, end), the bits of those that lie in the word from `base` on. */
function partOf(base: usize, granule: usize, end: usize): u64 {
  const from = max(base, granule);
  return maskOf(from - base, min(base + WORD_BITS, end) - from);
}

/** Takes all bits of `mask` if all are set. */
function takeBits(address: usize, mask: u64): bool {
  while (true) {
    const bits = atomicLoad<u64>(address);
    if ((bits & mask) != mask) return false;
    if (atomicCas<u64>(address, bits, bits & ~mask)) return true;
  }
}

/**
 * Takes the granules [granule, granule + count) of a SuperSlab if all are free, joining their pages where need be;
 * all or nothing. Sets `blockClean`.
 */
function claimGranules(superslab: usize, granule: usize, count: usize): bool {
  const metadata = metadataOf(superslab);
  const end = granule + count;
  const base = granule & ~WORD_MASK;
  blockClean = false;
  // In one word of joined pages it is one step; otherwise others may see some taken that are given back.
  if (end > base + WORD_BITS || !takeBits(wordOf(metadata, base), partOf(base, granule, end))) {
    beginClaim();
    const claimed = claimSeveral(superslab, metadata, granule, end);
    endClaim(shared);
    if (!claimed) return false;
  }
  see((superslab << SUPERSLAB_SHIFT) + (end << GRANULE_SHIFT) - 1);
  return true;
}

/** Whether the last `claimSeveral` has made any memory available to others. */
let shared: bool = false;

/** As `claimGranules`, step by step: first the pages that have not joined, then the bits in all words. */
function claimSeveral(superslab: usize, metadata: usize, granule: usize, end: usize): bool {
  const firstPage = superslab << SUPERSLAB_PAGES_SHIFT;
  const behind = ((end - 1) >> PAGE_GRANULES_SHIFT) + 1;
  let joined: u32 = 0;
  let clean = true;
  for (let page = granule >> PAGE_GRANULES_SHIFT; page < behind; ++page) {
    // What is neither joined nor available has no bits, and so is missed below.
    if (kindOfPage(firstPage + page) != KIND_LARGE && claimPages(firstPage + page, 1)) {
      joined |= (<u32>1) << (<u32>page);
      clean = clean && acquiredClean;
    } else clean = false;
  }
  let base = granule & ~WORD_MASK;
  for (; base < end; base += WORD_BITS) {
    if (!takeBits(wordOf(metadata, base), partOf(base, granule, end) & ~spread(joined, base))) break;
  }
  const failed = base < end;
  for (let at = granule & ~WORD_MASK; failed && at < base; at += WORD_BITS) {
    atomicOr<u64>(wordOf(metadata, at), partOf(at, granule, end) & ~spread(joined, at));
  }
  const any = joined != 0;
  shared = any || (failed && base > (granule & ~WORD_MASK));
  for (; joined; joined &= joined - 1) {
    const page = <usize>ctz<u32>(joined);
    if (failed) putPages(firstPage + page, 1, false);
    else joinPage(firstPage + page, metadata, page << PAGE_GRANULES_SHIFT, granule, end);
  }
  if (failed) return false;
  if (any) {
    noteRun(superslab, metadata, granule, granule);
    if (end < SUPERSLAB_GRANULES) noteRun(superslab, metadata, end, end);
  }
  blockClean = clean;
  return true;
}

/** Opens a claimed page, whose first granule is `first`, to large blocks: its granules outside [granule, end) become free. */
function joinPage(page: usize, metadata: usize, first: usize, granule: usize, end: usize): void {
  setKind(page, 1, KIND_LARGE);
  const base = first & ~WORD_MASK;
  const rest = wholeOf(first) & ~partOf(base, granule, end);
  if (rest) atomicOr<u64>(wordOf(metadata, base), rest);
}

/** In their word, the bits of all granules of the page whose first is `granule`. */
// @ts-ignore: decorator
@inline
function wholeOf(granule: usize): u64 {
  return PAGE_BITS << ((granule & WORD_MASK) as u64);
}

/** Makes the granules [granule, end) free. Their pages stay joined until somebody needs pages. */
function freeGranules(superslab: usize, granule: usize, end: usize): void {
  const metadata = metadataOf(superslab);
  for (let base = granule & ~WORD_MASK; base < end; base += WORD_BITS) {
    atomicOr<u64>(wordOf(metadata, base), partOf(base, granule, end));
  }
  noteRun(superslab, metadata, granule, end);
  noteChange();
}

/**
 * Gives the pages all of whose granules are free back to the pool. Any thread, in no claim.
 * @param thorough look also where the hints say that there are none
 * @returns true when there were some
 */
export function releaseJoined(thorough: bool): bool {
  let any = false;
  const end = endSuperslab();
  // A page in nobody's reach on the way is one that somebody may be refused for.
  beginClaim();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    const metadata = metadataOf(superslab);
    if (metadata == 0 || (!thorough && <usize>load<u8>(longestOf(superslab)) < PAGE_GRANULES)) continue;
    for (let granule: usize = 0; granule < SUPERSLAB_GRANULES; granule += PAGE_GRANULES) {
      // Who takes all granules of a page owns it.
      if (!takeBits(wordOf(metadata, granule), wholeOf(granule))) continue;
      releaseClaimed((superslab << SUPERSLAB_PAGES_SHIFT) + (granule >> PAGE_GRANULES_SHIFT), 1);
      any = true;
    }
  }
  endClaim(any);
  return any;
}

/** Start of the large block that holds `address`, which lies in a page of kind KIND_LARGE; 0 when none does. */
export function largeAround(address: usize): usize {
  const superslab = address >> SUPERSLAB_SHIFT;
  const metadata = metadataOf(superslab);
  const granule = (address & SUPERSLAB_MASK) >> GRANULE_SHIFT;
  let start = granule;
  while (start > 0 && load<u8>(lengthOf(metadata, start)) == 0) --start;
  const end = start + <usize>load<u8>(lengthOf(metadata, start));
  return end > granule ? (superslab << SUPERSLAB_SHIFT) + (start << GRANULE_SHIFT) : 0;
}

/** Bytes of the large block at `block`; 0 when none starts there. */
export function largeSize(block: usize): usize {
  if (block & (GRANULE_SIZE - 1)) return 0;
  const metadata = lookUp(block >> SUPERSLAB_SHIFT);
  return (<usize>load<u8>(lengthOf(metadata, (block & SUPERSLAB_MASK) >> GRANULE_SHIFT))) << GRANULE_SHIFT;
}

/**
 * The class of the large block at `block` if it is medium; 0 when it is longer, or none starts there, or it is shorter: then it need not
 * be aligned as the blocks of slabs are.
 */
// @ts-ignore: decorator
@inline
export function classOfLarge(block: usize): u32 {
  const size = largeSize(block);
  return size - (SMALL_MAX + 1) < MEDIUM_MAX - SMALL_MAX ? classOf(size - 1) : 0;
}

/** Frees the large block at `block`. */
export function freeLarge(block: usize): void {
  const superslab = block >> SUPERSLAB_SHIFT;
  const granule = (block & SUPERSLAB_MASK) >> GRANULE_SHIFT;
  const length = lengthOf(metadataOf(superslab), granule);
  const end = granule + <usize>load<u8>(length);
  store<u8>(length, 0);
  freeGranules(superslab, granule, end);
}

/** Makes a large block `size` bytes long where it lies; false when what follows it is not free. */
export function resizeLarge(block: usize, size: usize): bool {
  const superslab = block >> SUPERSLAB_SHIFT;
  const granule = (block & SUPERSLAB_MASK) >> GRANULE_SHIFT;
  const length = lengthOf(metadataOf(superslab), granule);
  const old = <usize>load<u8>(length);
  const count = (size + (GRANULE_SIZE - 1)) >> GRANULE_SHIFT;
  if (count > LENGTH_MAX || granule + count > SUPERSLAB_GRANULES) return false;
  if (count > old && !claimGranules(superslab, granule + old, count - old)) return false;
  store<u8>(length, <u8>count);
  if (count < old) freeGranules(superslab, granule + count, granule + old);
  return true;
}

// --- Huge ----------------------------------------------------------------------------------------------------------

/** Pages that `size` bytes take. */
export function pagesOf(size: usize): usize {
  return (size + PAGE_MASK) >> PAGE_SHIFT;
}

/**
 * A block of whole pages at a multiple of `align`, from the pages there are.
 * @returns 0 when there is no run of them
 */
export function allocateHuge(size: usize, align: usize): usize {
  const count = pagesOf(size);
  let page = acquirePages(count, max<usize>(1, align >> PAGE_SHIFT), false);
  if (page == NO_PAGES && releaseJoined(false)) page = acquirePages(count, max<usize>(1, align >> PAGE_SHIFT), false);
  if (page == NO_PAGES) return 0;
  setKind(page, 1, KIND_HUGE);
  setKind(page + 1, count - 1, KIND_HUGE_TAIL);
  return page << PAGE_SHIFT;
}

/** Clears those of the first `bytes` bytes of a huge block that lie in pages which may hold old data. */
export function clearHuge(block: usize, bytes: usize): void {
  const end = (block + bytes + PAGE_MASK) >> PAGE_SHIFT;
  for (let page = block >> PAGE_SHIFT; page < end; ++page) {
    const dirty = dirtyPages(page >> SUPERSLAB_PAGES_SHIFT) >> (<u32>(page & (SUPERSLAB_PAGES - 1)));
    if (dirty & 1) memory.fill(page << PAGE_SHIFT, 0, PAGE_SIZE);
  }
}

/** Start of the huge block that holds `address`, which lies in a page of kind KIND_HUGE_TAIL. */
export function hugeAround(address: usize): usize {
  let page = address >> PAGE_SHIFT;
  while (kindOfPage(page) == KIND_HUGE_TAIL) --page;
  return page << PAGE_SHIFT;
}

/** Bytes of the huge block at `block`, which lies in a page of kind KIND_HUGE; 0 when it does not start there. */
export function hugeSize(block: usize): usize {
  if (block & PAGE_MASK) return 0;
  // The tail is ours to its last page, and what follows a block is never the tail of another.
  const tail = countKind((block >> PAGE_SHIFT) + 1, endSuperslab() << SUPERSLAB_PAGES_SHIFT, KIND_HUGE_TAIL);
  return (tail + 1) << PAGE_SHIFT;
}

/** Frees the huge block of `size` bytes at `block`. */
export function freeHuge(block: usize, size: usize): void {
  releasePages(block >> PAGE_SHIFT, size >> PAGE_SHIFT);
}

/** Makes a huge block `size` bytes long where it lies; false when what follows it is not free. */
export function resizeHuge(block: usize, size: usize): bool {
  const page = block >> PAGE_SHIFT;
  const old = hugeSize(block) >> PAGE_SHIFT;
  const count = pagesOf(size);
  if (count < old) {
    releasePages(page + count, old - count);
    return true;
  }
  if (count == old) return true;
  const end = page + old;
  if (count > PAGES - page) return false;
  let tries: u32 = 0;
  while (true) {
    const since = poolChanges();
    if (claimPages(end, count - old)) break;
    if (releaseJoined(tries > 0) && claimPages(end, count - old)) break;
    // At the end of memory, the memory can be made longer.
    if (!isTrailing(end) || !growPool(count - old, since, tries++)) return false;
  }
  setKind(end, count - old, KIND_HUGE_TAIL);
  return true;
}
