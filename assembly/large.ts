/**
 * Large blocks: runs of granules. Huge blocks: runs of pages.
 *
 * Both are bits, so neighbours coalesce without being told, and a block may start and end anywhere: what is wasted is
 * less than a granule, or a page.
 *
 *   SuperSlab   page 0          page 1          page 2          page 3
 *              │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒            │                │ slab …        free granules: the bits of page 1's
 *              └─ large block ──────┘                                              tail; page 2 has not joined, and is
 *                                                                                  available in the pool
 *
 * Pages join for a block that finds no room in those that have. They stay joined when all of their granules are free, until somebody
 * needs pages (`releaseJoined`): programs free and take the same again.
 *
 * All threads share all of it, by compare-and-swap on the words of bits; whoever clears a bit owns the granule. The
 * length of a block is written by who allocated it, and cleared by who frees it: 0 is no block. So a pointer into a block,
 * or to one that was freed and whose granules nobody has taken since, is told apart from a block.
 */

import { atomicAnd, atomicCas, atomicLoad, atomicOr } from "./atomic";
import {
  CACHED_MAX,
  GRANULE_SHIFT,
  GRANULE_SIZE,
  PAGES,
  PAGE_GRANULES,
  PAGE_GRANULES_SHIFT,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  SMALL_MAX,
  SUPERSLAB_GRANULES,
  SUPERSLAB_PAGES_MASK,
  SUPERSLAB_PAGES_SHIFT,
  SUPERSLAB_SHIFT,
} from "./config";
import { endsHere, endsOf, isCovered, longestOf } from "./control";
import {
  NO_PAGES,
  acquirePages,
  markDirty,
  availablePages,
  beginClaim,
  claimPages,
  clearDirty,
  dirtyPages,
  endClaim,
  endSuperslab,
  firstSuperslab,
  growPool,
  isTrailing,
  noteChange,
  ownedPages,
  poolChanges,
  putPages,
} from "./pool";
import {
  EACH_BYTE,
  KIND_FOREIGN,
  KIND_HUGE,
  KIND_LARGE,
  KIND_RELEASED,
  kindOf,
  kindOfPage,
  setKind,
  setKindOfPage,
} from "./region";
import { acquireAny, findRun, keepRun, takeRun, takeRunAt } from "./runs";
import { classOf } from "./size-class";
import { GRANULES_OFFSET, LENGTHS_OFFSET, acquireWithin, metadataHere, metadataOf } from "./superslab";
import { see } from "./view";

const WORD_BITS: usize = 64;
const WORD_SHIFT: usize = 6;
const WORD_MASK: usize = WORD_BITS - 1;
const ALL: u64 = u64.MAX_VALUE;
const PAGE_BITS: u64 = (1 << PAGE_GRANULES) - 1;
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

/**
 * Start of the first run of `count` free granules at an aligned start; NO_RUN when there is none.
 *
 * A run that begins in a word is found by shifting the word over itself: after steps of 1, 2, 4 … a bit is set where so many of them
 * begin (Warren: Hacker's Delight, 6-3). All six steps are taken, of 0 where fewer will do: branches could not be foretold. `run` are
 * the free granules at the end of the words before.
 */
function fit(metadata: usize, count: usize, align: usize): usize {
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
    const bits = atomicLoad<u64>(wordOf(metadata, base));
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
    const bits = atomicLoad<u64>(wordOf(metadata, granule - 1));
    const behind = <u64>(WORD_MASK - bit);
    const free = <usize>clz<u64>(~(bits << behind));
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
 * A block of `size` bytes at a multiple of `align`, both at most LARGE_MAX and PAGE_SIZE, from the pages there are. Sets `blockClean`.
 * @param thorough look also where the hints say that there is no room; they can be wrong after a race
 * @returns 0 when there is no room for it
 */
export function allocateLarge(size: usize, align: usize, thorough: bool): usize {
  const count = (size + (GRANULE_SIZE - 1)) >> GRANULE_SHIFT;
  const alignGranules = max<usize>(1, align >> GRANULE_SHIFT);
  let block: usize;
  do {
    // What is left over between large blocks first.
    block = search(count, count, alignGranules);
    if (block) return block;
  } while (joinRun((count + (PAGE_GRANULES - 1)) >> PAGE_GRANULES_SHIFT));
  // What lies partly in pages that have joined, and partly in others.
  beginClaim();
  const end = endSuperslab();
  let joined = false;
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    if (joinAvailable(superslab, u32.MAX_VALUE)) joined = true;
  }
  endClaim(joined);
  return joined || thorough ? search(count, thorough ? 0 : count, alignGranules) : 0;
}

/** A block of `count` granules where there are hints of runs of `hinted`; 0 when there is none. */
function search(count: usize, hinted: usize, align: usize): usize {
  const end = endSuperslab();
  if (end == 0 || !isCovered((end << SUPERSLAB_PAGES_SHIFT) - 1)) return 0;
  let superslab = roomyFrom(firstSuperslab(), end, hinted);
  for (; superslab < end; superslab = roomyFrom(superslab + 1, end, hinted)) {
    const metadata = metadataOf(superslab);
    if (!metadata) continue;
    const hint = load<u8>(longestOf(superslab));
    const granule = fit(metadata, count, align);
    if (granule != NO_RUN) {
      if (!claimGranules(superslab, granule, granule + count)) {
        // Another thread was faster. What it has left is looked at again: that it took some is no change, for which a search is repeated.
        --superslab;
        continue;
      }
      store<u8>(lengthOf(metadata, granule), <u8>count);
      blockClean = !(dirtyPages(superslab) & pagesAround(granule, granule + count));
      return (superslab << SUPERSLAB_SHIFT) + (granule << GRANULE_SHIFT);
    }
    // What is freed meanwhile may be forgotten by this.
    if (align == 1 && <usize>hint >= count && load<u8>(longestOf(superslab)) == hint) {
      store<u8>(longestOf(superslab), <u8>(min<usize>(count, <usize>LONGEST_MAX) - 1));
    }
  }
  return 0;
}

/** The pages of a SuperSlab in which the granules [granule, end) lie, as bits. */
// @ts-ignore: decorator
@inline
function pagesAround(granule: usize, end: usize): u32 {
  const first = <u32>(granule >> PAGE_GRANULES_SHIFT);
  return (u32.MAX_VALUE >> (<u32>SUPERSLAB_PAGES_MASK - (<u32>((end - 1) >> PAGE_GRANULES_SHIFT) - first))) << first;
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

/** Sets the bits of the granules [granule, end), or of none. */
function putBits(metadata: usize, granule: usize, end: usize): void {
  for (let base = granule & ~WORD_MASK; base < end; base += WORD_BITS) {
    atomicOr<u64>(wordOf(metadata, base), partOf(base, granule, end));
  }
}

/** Takes the granules [granule, end) of a SuperSlab if all are free; all or nothing. */
function claimGranules(superslab: usize, granule: usize, end: usize): bool {
  const metadata = metadataOf(superslab);
  let base = granule & ~WORD_MASK;
  // In one word it is one step; over several, others may see some taken that are given back.
  const several = end > base + WORD_BITS;
  if (several) beginClaim();
  while (base < end && takeBits(wordOf(metadata, base), partOf(base, granule, end))) base += WORD_BITS;
  const taken = base >= end;
  if (!taken) putBits(metadata, granule, base);
  if (several) endClaim(!taken);
  if (taken) see((superslab << SUPERSLAB_SHIFT) + (end << GRANULE_SHIFT) - 1);
  return taken;
}

/** Makes the granules [granule, end) free. Their pages stay joined until somebody needs pages. */
function freeGranules(superslab: usize, granule: usize, end: usize): void {
  const metadata = metadataOf(superslab);
  markDirty(superslab, pagesAround(granule, end));
  putBits(metadata, granule, end);
  noteRun(superslab, metadata, granule, end);
  noteChange();
}

/** Opens the pages [page, page + count) of a SuperSlab with metadata, which are the caller's, to large blocks. */
function join(page: usize, count: usize): void {
  const superslab = page >> SUPERSLAB_PAGES_SHIFT;
  const metadata = metadataOf(superslab);
  const granule = (page & SUPERSLAB_PAGES_MASK) << PAGE_GRANULES_SHIFT;
  const end = granule + (count << PAGE_GRANULES_SHIFT);
  setKind(page, count, KIND_LARGE);
  putBits(metadata, granule, end);
  noteRun(superslab, metadata, granule, end);
}

/** Opens `count` pages to large blocks; false when there is no run of them. */
function joinRun(count: usize): bool {
  const page = acquireWithin(count);
  if (page == NO_PAGES) return false;
  join(page, count);
  endClaim(true);
  return true;
}

/** Opens those of some pages of a SuperSlab to large blocks that are available; false when none is. */
function joinAvailable(superslab: usize, pages: u32): bool {
  if (metadataOf(superslab) == 0) return false;
  let any = false;
  for (let bits = availablePages(superslab) & pages; bits; bits &= bits - 1) {
    const page = (superslab << SUPERSLAB_PAGES_SHIFT) + <usize>ctz<u32>(bits);
    if (!claimPages(page, 1)) continue;
    join(page, 1);
    any = true;
  }
  return any;
}

/** Gives a joined page back to the pool if all of its granules are free. The caller is in a claim. */
function release(page: usize): bool {
  const granule = (page & SUPERSLAB_PAGES_MASK) << PAGE_GRANULES_SHIFT;
  const metadata = metadataOf(page >> SUPERSLAB_PAGES_SHIFT);
  // Who takes all granules of a page owns it.
  if (!metadata || !takeBits(wordOf(metadata, granule), PAGE_BITS << ((granule & WORD_MASK) as u64))) return false;
  setKindOfPage(page, KIND_RELEASED);
  putPages(page, 1, false);
  return true;
}

/** Gives joined pages of [page, end) all of whose granules are free back to the pool; true when there were some. Any thread. */
function releaseWithin(page: usize, end: usize): bool {
  let any = false;
  // A page in nobody's reach on the way is one that somebody may be refused for.
  beginClaim();
  for (; page < end; ++page) if (kindOfPage(page) == KIND_LARGE && release(page)) any = true;
  endClaim(any);
  return any;
}

/** As `releaseWithin`, of all pages. */
export function releaseJoined(): bool {
  return releaseWithin(firstSuperslab() << SUPERSLAB_PAGES_SHIFT, endSuperslab() << SUPERSLAB_PAGES_SHIFT);
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

/** Bytes of the large block at `block`, in a page of kind KIND_LARGE; 0 when none starts there. */
export function largeSize(block: usize): usize {
  if (block & (GRANULE_SIZE - 1)) return 0;
  const metadata = metadataHere(block >> SUPERSLAB_SHIFT);
  return (<usize>load<u8>(lengthOf(metadata, (block & SUPERSLAB_MASK) >> GRANULE_SHIFT))) << GRANULE_SHIFT;
}

/**
 * The class of the large block at `block` if threads cache such ones; 0 when it is longer, or none starts there, or it is shorter: then it
 * need not be aligned as the blocks of slabs are.
 */
// @ts-ignore: decorator
@inline
export function classOfLarge(block: usize): u32 {
  const size = largeSize(block);
  return size - (SMALL_MAX + 1) < CACHED_MAX - SMALL_MAX ? classOf(size - 1) : 0;
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
  const count = (size + (GRANULE_SIZE - 1)) >> GRANULE_SHIFT;
  const old = granule + <usize>load<u8>(length);
  const end = granule + count;
  if (count > LENGTH_MAX || end > SUPERSLAB_GRANULES) return false;
  if (end > old && !claimGranules(superslab, old, end)) {
    beginClaim();
    const joined = joinAvailable(superslab, pagesAround(old, end));
    endClaim(joined);
    if (!joined || !claimGranules(superslab, old, end)) return false;
  }
  store<u8>(length, <u8>count);
  if (end < old) freeGranules(superslab, end, old);
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
  let page = align <= PAGE_SIZE ? takeRun(count) : NO_PAGES;
  if (page == NO_PAGES) page = acquireAny(count, max<usize>(1, align >> PAGE_SHIFT), false);
  if (page == NO_PAGES && releaseJoined()) page = acquirePages(count, max<usize>(1, align >> PAGE_SHIFT), false);
  if (page == NO_PAGES) return 0;
  setEnd(page + count - 1);
  setKindOfPage(page, KIND_HUGE);
  return page << PAGE_SHIFT;
}

/** The bit of `page` in the words of its SuperSlab. */
// @ts-ignore: decorator
@inline
function bitOf(page: usize): u32 {
  const bit = <u32>(page & SUPERSLAB_PAGES_MASK);
  return 1 << bit;
}

/** Notes that a huge block of the caller's ends with `page`. Bits of other pages are other blocks'. */
function setEnd(page: usize): void {
  atomicOr<u32>(endsOf(page >> SUPERSLAB_PAGES_SHIFT), bitOf(page));
}

function clearEnd(page: usize): void {
  atomicAnd<u32>(endsOf(page >> SUPERSLAB_PAGES_SHIFT), ~bitOf(page));
}

/** Clears those of the first `bytes` bytes of a huge block that lie in pages which may hold old data. */
export function clearHuge(block: usize, bytes: usize): void {
  clearDirty(block >> PAGE_SHIFT, (block + bytes + PAGE_MASK) >> PAGE_SHIFT);
}

/** True when `page` came from the platform. */
function isOwned(page: usize): bool {
  return (ownedPages(page >> SUPERSLAB_PAGES_SHIFT) & bitOf(page)) != 0;
}

/** Start of the huge block that holds `address`, which lies in a page of kind KIND_HUGE or of none; 0 when none does. */
export function hugeAround(address: usize): usize {
  if (address >> SUPERSLAB_SHIFT >= endSuperslab()) return 0;
  let start = address & ~PAGE_MASK;
  let kind = kindOf(start);
  // The bytes of its other pages say what pages of nobody say.
  while ((kind == KIND_RELEASED || kind == KIND_FOREIGN) && isOwned(start >> PAGE_SHIFT)) {
    start -= PAGE_SIZE;
    kind = kindOf(start);
  }
  return kind == KIND_HUGE && start + hugeSize(start) > address ? start : 0;
}

/** Bytes of the huge block at `block`, which lies in a page of kind KIND_HUGE; 0 when it does not start there. */
export function hugeSize(block: usize): usize {
  if (block & PAGE_MASK) return 0;
  const page = block >> PAGE_SHIFT;
  let superslab = page >> SUPERSLAB_PAGES_SHIFT;
  const last = endSuperslab() - 1;
  isCovered((last << SUPERSLAB_PAGES_SHIFT) | SUPERSLAB_PAGES_MASK);
  let mask = -bitOf(page);
  let ends: u32;
  while (!(ends = atomicLoad<u32>(endsHere(superslab)) & mask) && superslab < last) {
    mask = u32.MAX_VALUE;
    ++superslab;
  }
  return ((superslab << SUPERSLAB_PAGES_SHIFT) + <usize>ctz<u32>(ends) + 1 - page) << PAGE_SHIFT;
}

/** Frees the huge block of `size` bytes at `block`. */
export function freeHuge(block: usize, size: usize): void {
  const page = block >> PAGE_SHIFT;
  const count = size >> PAGE_SHIFT;
  setKindOfPage(page, KIND_RELEASED);
  clearEnd(page + count - 1);
  keepRun(page, count);
}

/** Makes a huge block `size` bytes long where it lies; false when what follows it is not free. */
export function resizeHuge(block: usize, size: usize): bool {
  const page = block >> PAGE_SHIFT;
  const old = hugeSize(block) >> PAGE_SHIFT;
  const count = pagesOf(size);
  if (count < old) {
    setEnd(page + count - 1);
    clearEnd(page + old - 1);
    keepRun(page + count, old - count);
    return true;
  }
  if (count == old) return true;
  const end = page + old;
  if (count > PAGES - page) return false;
  // Memory that cannot go back is not made longer where there is a run for the whole block.
  const fits = !HK_VIRTUAL && findRun(count) != 0;
  let tries: u32 = 0;
  while (true) {
    const since = poolChanges();
    if (takeRunAt(end, count - old) || claimPages(end, count - old)) break;
    if (
      releaseWithin(end, min(end + count - old, endSuperslab() << SUPERSLAB_PAGES_SHIFT)) &&
      claimPages(end, count - old)
    )
      break;
    // At the end of memory, the memory can be made longer.
    if (fits || !isTrailing(end) || !growPool(count - old, since, tries++)) return false;
  }
  setEnd(page + count - 1);
  clearEnd(end - 1);
  return true;
}
