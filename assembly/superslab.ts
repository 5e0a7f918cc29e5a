/**
 * SuperSlabs: aligned segments of 32 pages, and what is known about them beside the state of their pages.
 *
 * The metadata of a SuperSlab lies apart from it, so that blocks fill pages from the first byte, a block aligned to its
 * own size costs nothing, and a huge block may cover any number of SuperSlabs. It is made when the first slab or large
 * block comes to lie in the SuperSlab, and stays (of a private heap until all is freed at once).
 *
 *   directory[address >> SUPERSLAB_SHIFT] ─► ┌─────────────────────────────┐
 *                                            │ 32 × Slab            slab.ts│  one a page
 *                                            ├─────────────────────────────┤
 *                                            │ 8 × u64  free granules      │  bit g: granule g is free and its page is
 *                                            │                     large.ts│  used for large blocks
 *                                            ├─────────────────────────────┤
 *                                            │ 512 × u8 lengths    large.ts│  granules of the large block starting here
 *                                            ├─────────────────────────────┤
 *                                            │ guard builds: its ledger    │
 *                                            │ of blocks           guard.ts│
 *                                            ├─────────────────────────────┤
 *                                            │ builds with statistics:     │
 *                                            │ 32 × history                │
 *                                            └─────────────────────────────┘
 */

import { atomicAdd, atomicCas, atomicLoad } from "./atomic";
import {
  MIN_ALIGN,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  SUPERSLAB_GRANULES,
  SUPERSLAB_PAGES,
  SUPERSLAB_PAGES_MASK,
  SUPERSLAB_PAGES_SHIFT,
  WORD,
} from "./config";
import { Control, control, directoryOf, isCovered } from "./control";
import { NO_PAGES, beginClaim, clearDirty, endClaim, growPool, poolChanges, putPages } from "./pool";
import { KIND_METADATA, KIND_METADATA_SPARE, KIND_RELEASED, kindOfPage, setKind, setKindOfPage } from "./region";
import { acquireAny } from "./runs";
import { see } from "./view";

/**
 * One slab. Fields belong to the owning thread unless they say otherwise; slab.ts and remote.ts hold the operations.
 */
@unmanaged
export class Slab {
  /** Atomic: blocks freed by other threads, their count and a flag; see remote.ts. */
  remote: u64;
  /** Atomic: the thread heap that owns the slab; 0 while it has no owner. Changed by the owner or its adopter. */
  owner: usize;
  /** Next slab in the owner's stack of slabs with news from other threads; belongs to who set the flag in `remote`. */
  pendingNext: usize;
  /** Neighbours in the owner's queue of slabs of this class that have room. */
  next: usize;
  previous: usize;
  /** Free blocks, linked through their first word; all of them have been carved. */
  free: usize;
  /** Address of the first block. */
  start: usize;
  blockSize: u32;
  /** Blocks that fit. */
  capacity: u32;
  /** Blocks handed out at least once since the slab was made, or since all of them were home. */
  carved: u32;
  /** Blocks that are neither in `free` nor uncarved: live, in a thread's cache, or in `remote`. Never too small. */
  used: u32;
  /** Size class; 0: not a slab. */
  cls: u8;
  /** In the owner's queue. */
  queued: u8;
}

// Slabs are 16-byte multiples so that `remote` is always aligned for 64-bit atomics.
const SLAB_BYTES: usize = (offsetof<Slab>() + (MIN_ALIGN - 1)) & ~(MIN_ALIGN - 1);

/** Offsets in a SuperSlab's metadata. */
export const GRANULES_OFFSET: usize = SUPERSLAB_PAGES * SLAB_BYTES;
export const LENGTHS_OFFSET: usize = GRANULES_OFFSET + SUPERSLAB_GRANULES / 8;
/** Atomic, one a page: address of its part of the ledger, 0 before its first entry. */
export const LEDGER_OFFSET: usize = LENGTHS_OFFSET + SUPERSLAB_GRANULES;
/** Of each slab when it was made, in ns, and the most of its blocks that have been in use. */
const HISTORY_OFFSET: usize = LEDGER_OFFSET + (HK_GUARD ? SUPERSLAB_PAGES * WORD : 0);
const HISTORY_SHIFT: usize = 4;
const METADATA_BYTES: usize = HISTORY_OFFSET + (HK_STATISTICS ? SUPERSLAB_PAGES << HISTORY_SHIFT : 0);

/** Metadata of a SuperSlab, 0 when there is none yet. */
export function metadataOf(superslab: usize): usize {
  return isCovered(superslab << SUPERSLAB_PAGES_SHIFT) ? metadataHere(superslab) : 0;
}

/** As `metadataOf`, of a SuperSlab of whose pages this instance has asked the kind already: its tables tell of it. */
// @ts-ignore: decorator
@inline
export function metadataHere(superslab: usize): usize {
  return see(atomicLoad<usize>(directoryOf(superslab)));
}

/** Metadata of a SuperSlab, made if need be; 0 when there is no memory for it. The caller is in no claim. */
export function ensureMetadata(superslab: usize): usize {
  const found = metadataOf(superslab);
  if (found) return found;
  const made = allocateMetadata(METADATA_BYTES);
  if (made == 0) return 0;
  // Of several threads that make it, one wins; what the others made is lost: once a SuperSlab for each that lost.
  if (atomicCas<usize>(directoryOf(superslab), 0, made)) return made;
  return metadataOf(superslab);
}

/**
 * Takes `count` adjacent pages in a SuperSlab that has metadata. None is kept while metadata is made: of the last pages that there are, two
 * threads would keep one another's.
 * @returns the first, in a claim that the caller ends; NO_PAGES when there are none, in no claim
 */
export function acquireWithin(count: usize): usize {
  while (true) {
    beginClaim();
    const page = acquireAny(count, 1, true);
    const superslab = page >> SUPERSLAB_PAGES_SHIFT;
    if (page != NO_PAGES && metadataOf(superslab)) return page;
    if (page != NO_PAGES) putPages(page, count, false);
    endClaim(page != NO_PAGES);
    if (page == NO_PAGES) return page;
    if (ensureMetadata(superslab) == 0) return NO_PAGES;
  }
}

/** The slab record of a page, whose SuperSlab must have metadata. */
export function slabOfPage(page: usize): Slab {
  return recordOf(metadataOf(page >> SUPERSLAB_PAGES_SHIFT), page);
}

/** Builds with statistics: where the history of a page's slab is. */
export function historyOf(page: usize): usize {
  return metadataOf(page >> SUPERSLAB_PAGES_SHIFT) + ((page & SUPERSLAB_PAGES_MASK) << HISTORY_SHIFT) + HISTORY_OFFSET;
}

/** The slab in which a small block lies, as its page's kind has said. */
// @ts-ignore: decorator
@inline
export function slabOf(block: usize): Slab {
  const page = block >> PAGE_SHIFT;
  return recordOf(metadataHere(page >> SUPERSLAB_PAGES_SHIFT), page);
}

// @ts-ignore: decorator
@inline
function recordOf(metadata: usize, page: usize): Slab {
  return changetype<Slab>(metadata + (page & SUPERSLAB_PAGES_MASK) * SLAB_BYTES);
}

/** Metadata takes pages in runs of so many, so that they do not lie about between what programs use. */
const METADATA_PAGES: usize = 4;

/**
 * Memory for the allocator's own use: zero-filled, aligned to 16 bytes, given back only with all else (`forgetAll`); any
 * thread, lock-free.
 * The caller is in no claim, for which it would wait.
 * @param bytes below PAGE_SIZE
 * @returns 0 when there is no memory
 */
export function allocateMetadata(bytes: usize): usize {
  const cursor = changetype<usize>(control) + offsetof<Control>("metadata");
  bytes = (bytes + (MIN_ALIGN - 1)) & ~(MIN_ALIGN - 1);
  while (true) {
    const at = atomicLoad<usize>(cursor);
    // A page is never filled to its last byte: the cursor would point to the next page.
    if (at != 0 && (at & PAGE_MASK) + bytes < PAGE_SIZE) {
      if (atomicCas<usize>(cursor, at, at + bytes)) return see(at);
      continue;
    }
    const next = (at >> PAGE_SHIFT) + 1;
    if (at != 0 && kindOfPage(next) == KIND_METADATA_SPARE) {
      // Who moves the cursor from `at` takes the page behind it.
      if (!atomicCas<usize>(cursor, at, (next << PAGE_SHIFT) + bytes)) continue;
      setKindOfPage(next, KIND_METADATA);
      return see(next << PAGE_SHIFT);
    }
    let count = METADATA_PAGES;
    let tries: u32 = 0;
    let page: usize;
    while (true) {
      const since = poolChanges();
      beginClaim();
      page = acquireAny(count, 1, false);
      if (page != NO_PAGES) break;
      endClaim(false);
      if (growPool(count, since, tries++)) continue;
      // Near the end of memory one page must do.
      if (count == 1) return 0;
      count = 1;
    }
    clearDirty(page, page + count);
    setKindOfPage(page, KIND_METADATA);
    setKind(page + 1, count - 1, KIND_METADATA_SPARE);
    if (atomicCas<usize>(cursor, at, (page << PAGE_SHIFT) + bytes)) {
      endClaim(false);
      atomicAdd<usize>(changetype<usize>(control) + offsetof<Control>("metadataBytes"), count << PAGE_SHIFT);
      return page << PAGE_SHIFT;
    }
    setKind(page, count, KIND_RELEASED);
    putPages(page, count, true);
    endClaim(true);
  }
}
