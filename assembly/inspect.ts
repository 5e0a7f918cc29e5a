/**
 * Figures about a heap, walked together from its metadata: nothing is counted on the way of a call.
 *
 * Exact when no other thread allocates or frees meanwhile; otherwise each part is right at some moment of the walk.
 */

import { atomicLoad } from "./atomic";
import { GRANULE_SHIFT, PAGE_SHIFT, SUPERSLAB_GRANULES, SUPERSLAB_PAGES, SUPERSLAB_PAGES_SHIFT } from "./config";
import { Control, control, firstHeap, hasHeap, nextHeap } from "./control";
import { hugeSize } from "./large";
import { KIND_HUGE, kindOfPage } from "./region";
import { availablePages, endSuperslab, firstSuperslab } from "./pool";
import { countOf, remoteWord } from "./remote";
import { keptPages } from "./runs";
import { CLASS_END, CLASS_FIRST, CLASS_MEDIUM, classAt, classSize } from "./size-class";
import { LENGTHS_OFFSET, metadataOf, slabOfPage } from "./superslab";
import { LIVE, STATE_MASK, cachedOf, stateOf } from "./thread";
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
