/**
 * Figures about a heap, walked together from its metadata: nothing is counted on the way of a call.
 *
 * Exact when no other thread allocates or frees meanwhile; otherwise each part is right at some moment of the walk.
 */

import { atomicLoad } from "./atomic";
import {
  GRANULE_SHIFT,
  PAGE_SHIFT,
  PAGE_SIZE,
  SUPERSLAB_GRANULES,
  SUPERSLAB_PAGES,
  SUPERSLAB_PAGES_MASK,
  SUPERSLAB_PAGES_SHIFT,
} from "./config";
import { Control, control, firstHeap, hasHeap, isCovered, nextHeap } from "./control";
import { counted, retired } from "./counters";
import { hugeAround, hugeSize } from "./large";
import { KIND_HUGE, KIND_LARGE, KIND_METADATA, KIND_METADATA_SPARE, kindOfPage } from "./region";
import { availablePages, endSuperslab, firstSuperslab, ownedPages } from "./pool";
import { countOf, ownerOf, remoteWord } from "./remote";
import { keptPages } from "./runs";
import { CLASS_END, CLASS_FIRST, CLASS_MEDIUM, classAt, classSize } from "./size-class";
import { LENGTHS_OFFSET, metadataOf, slabOfPage } from "./superslab";
import { FREED, LIVE, STATE_MASK, cachedOf, idOf, ownCounts, stateOf } from "./thread";
import { see } from "./view";

/** What `heap_stat` can be asked; all in bytes but STAT_THREADS. */
const COMMITTED: u32 = 0;
export const STAT_LIVE: u32 = 1;
export const STAT_CACHED: u32 = 2;
export const STAT_THREADS: u32 = 3;
const FREE_PAGES: u32 = 4;
const METADATA: u32 = 5;

/** What `class_stat` can be asked. */
const CLASS_SIZE: u32 = 0;
const CLASS_SLABS: u32 = 1;
const CLASS_LIVE: u32 = 2;
const CLASS_CACHED: u32 = 3;

/** A figure of the heap; 0 for an unknown one. */
export function heap_stat(what: u32): usize {
  if (!hasHeap()) return 0;
  if (what == COMMITTED) return atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed"));
  if (what == METADATA) return atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("metadataBytes"));
  if (what == STAT_CACHED) return cachedSmall();
  let figure: usize = 0;
  if (what == STAT_THREADS) {
    for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) {
      if ((atomicLoad<u32>(stateOf(heap)) & STATE_MASK) == LIVE) ++figure;
    }
  } else if (what == STAT_LIVE) {
    figure = difference(slabFigure(ALL_CLASSES, false) + bigBytes(ALL_SIZES), cachedSmall());
  } else if (what == FREE_PAGES) {
    for (let superslab = firstSuperslab(); superslab < endSuperslab(); ++superslab) {
      figure += (<usize>popcnt<u32>(availablePages(superslab))) << PAGE_SHIFT;
    }
    figure += keptPages() << PAGE_SHIFT;
  }
  return figure;
}

/** A figure of the size class `index`, counted from 0; a class that does not exist has blocks of 0 bytes. */
export function class_stat(index: u32, what: u32): usize {
  const cls = classAt(index);
  if (!hasHeap() || cls - CLASS_FIRST >= CLASS_END - CLASS_FIRST) return 0;
  const size = classSize(cls);
  if (what == CLASS_SIZE) return size;
  if (what == CLASS_SLABS) return slabFigure(cls, true);
  const cached = cachedBlocks(cls);
  if (what == CLASS_LIVE)
    return difference(cls < CLASS_MEDIUM ? slabFigure(cls, false) / size : bigBytes(size) / size, cached);
  return what == CLASS_CACHED ? cached : 0;
}

const ALL_CLASSES: u32 = 0;

/** Slabs of `cls`, or bytes of the blocks that are not at home in them. */
function slabFigure(cls: u32, slabs: bool): usize {
  let figure: usize = 0;
  for (let superslab = firstSuperslab(); superslab < endSuperslab(); ++superslab) {
    if (metadataOf(superslab) == 0) continue;
    for (let n: usize = 0; n < SUPERSLAB_PAGES; ++n) {
      const slab = slabOfPage((superslab << SUPERSLAB_PAGES_SHIFT) + n);
      if (!slab.cls || (cls != ALL_CLASSES && <u32>slab.cls != cls)) continue;
      // Blocks that wait in `remote` are home but for the drain.
      figure += slabs ? 1 : <usize>(slab.used - countOf(remoteWord(slab))) * <usize>slab.blockSize;
    }
  }
  return figure;
}

/** What of a figure is not `part`; 0 where others have changed things between the two walks, so that the part is more. */
function difference(whole: usize, part: usize): usize {
  return whole > part ? whole - part : 0;
}

/** Blocks of `cls` in the caches of all threads. */
function cachedBlocks(cls: u32): usize {
  let blocks: u32 = 0;
  for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) blocks += cachedOf(heap, cls);
  return <usize>blocks;
}

/** Bytes of small blocks in the caches of all threads. */
function cachedSmall(): usize {
  let bytes: usize = 0;
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) bytes += cachedBlocks(cls) * classSize(cls);
  return bytes;
}

const ALL_SIZES: usize = 0;

/** Bytes of medium, large and huge blocks, or of those of `size` bytes, that are the program's or in a thread's cache. */
function bigBytes(size: usize): usize {
  let bytes: usize = 0;
  for (let superslab = firstSuperslab(); superslab < endSuperslab(); ++superslab) {
    for (let n: usize = 0; n < SUPERSLAB_PAGES; ++n) {
      const page = (superslab << SUPERSLAB_PAGES_SHIFT) + n;
      if (size == ALL_SIZES && kindOfPage(page) == KIND_HUGE) bytes += hugeSize(page << PAGE_SHIFT);
    }
    const metadata = metadataOf(superslab);
    if (metadata == 0) continue;
    for (let n: usize = 0; n < SUPERSLAB_GRANULES; ++n) {
      const length = (<usize>load<u8>(metadata + LENGTHS_OFFSET + n)) << GRANULE_SHIFT;
      if (size == ALL_SIZES || length == size) bytes += length;
    }
  }
  return bytes;
}

/** What `counter` can be asked of the heap, beyond what is counted there (counters.ts); of no class. */
const OF_HEAP: u32 = u32.MAX_VALUE;
/** What `counter` can be asked of a class, beyond what is counted there: what threads count, and slabs by state as they are now. */
const COUNTER_OWN: u32 = 16;
const SLABS_FULL: u32 = 20;
const SLABS_PARTIAL: u32 = 21;
const SLABS_EMPTY: u32 = 22;

/** Builds with statistics: a count of the size class `index`, or of the heap; 0 for an unknown one. */
export function counter(index: u32, what: u32): u64 {
  if (!hasHeap()) return 0;
  if (index == OF_HEAP) return what < COUNTER_OWN ? counted(0, what) : 0;
  const cls = classAt(index);
  if (cls - CLASS_FIRST >= CLASS_END - CLASS_FIRST) return 0;
  if (what < COUNTER_OWN) return counted(cls, what);
  if (what <= COUNTER_OWN + FREED) return ownCounts(cls, what - COUNTER_OWN);
  return what >= SLABS_FULL && what <= SLABS_EMPTY ? slabsInState(cls, what) : 0;
}

function slabsInState(cls: u32, state: u32): u64 {
  let count: u64 = 0;
  for (let superslab = firstSuperslab(); superslab < endSuperslab(); ++superslab) {
    if (metadataOf(superslab) == 0) continue;
    for (let n: usize = 0; n < SUPERSLAB_PAGES; ++n) {
      const slab = slabOfPage((superslab << SUPERSLAB_PAGES_SHIFT) + n);
      if (<u32>slab.cls != cls) continue;
      const away = slab.used - countOf(remoteWord(slab));
      if (state == (away == 0 ? SLABS_EMPTY : away == slab.capacity ? SLABS_FULL : SLABS_PARTIAL)) ++count;
    }
  }
  return count;
}

/** Builds with statistics: see `retired`; of its class the size of blocks. */
export function retirement(back: u32, what: u32): u64 {
  if (!hasHeap()) return 0;
  const value = retired(back, what);
  return what == 2 ? (value ? <u64>classSize(<u32>value) : 0) : value;
}

/** Number of the first page that `page_stat` may know of; with `end` of the one behind the last. */
export function page_bound(end: u32): usize {
  return hasHeap() ? (end ? endSuperslab() : firstSuperslab()) << SUPERSLAB_PAGES_SHIFT : 0;
}

/** What `page_stat` can be asked. */
const PAGE_KIND: u32 = 0;
const PAGE_BLOCK_SIZE: u32 = 1;
const PAGE_USED: u32 = 2;
const PAGE_CAPACITY: u32 = 3;
const PAGE_OWNER: u32 = 4;
const PAGE_BYTES: u32 = 5;

const PAGE_NONE: usize = 0;
const PAGE_SLAB: usize = 1;
const PAGE_GRANULES: usize = 2;
const PAGE_HUGE: usize = 3;
const PAGE_METADATA: usize = 4;
const PAGE_FREE: usize = 5;

/**
 * What page `page` is: for `what` 0 its kind, of those above; of a slab, 1 its blocks' size, 2 blocks that are not at home, 3 how many it has,
 * 4 the id of the thread that owns it; of any, 5 its length in bytes.
 */
export function page_stat(page: usize, what: u32): usize {
  if (what == PAGE_BYTES) return PAGE_SIZE;
  const superslab = page >> SUPERSLAB_PAGES_SHIFT;
  if (!hasHeap() || superslab < firstSuperslab() || superslab >= endSuperslab() || !isCovered(page)) return 0;
  const kind = kindOfPage(page);
  if (kind < CLASS_FIRST) return what == PAGE_KIND ? kindOfNoSlab(superslab, page, kind) : 0;
  if (what == PAGE_KIND) return PAGE_SLAB;
  if (what == PAGE_BLOCK_SIZE) return classSize(kind);
  const slab = slabOfPage(page);
  if (what == PAGE_USED) return <usize>(slab.used - countOf(remoteWord(slab)));
  if (what == PAGE_CAPACITY) return <usize>slab.capacity;
  const owner = what == PAGE_OWNER ? see(ownerOf(slab)) : 0;
  return owner ? <usize>idOf(owner) : 0;
}

function kindOfNoSlab(superslab: usize, page: usize, kind: u32): usize {
  if ((availablePages(superslab) >> (<u32>(page & SUPERSLAB_PAGES_MASK))) & 1) return PAGE_FREE;
  if (kind == KIND_METADATA || kind == KIND_METADATA_SPARE) return PAGE_METADATA;
  if (kind == KIND_LARGE) return PAGE_GRANULES;
  // Pages of a huge block behind its first say nothing of their own.
  if (kind == KIND_HUGE || hugeAround(page << PAGE_SHIFT)) return PAGE_HUGE;
  return (ownedPages(superslab) >> (<u32>(page & SUPERSLAB_PAGES_MASK))) & 1 ? PAGE_FREE : PAGE_NONE;
}
