/**
 * Address → what is there, in one load.
 *
 *   regionMap: one byte a page      ┌────┬────┬────┬────┬────┬────┬────┬────┐
 *                                   │ 0  │ 31 │ 31 │ 22 │ 2  │ 6  │ 0  │ 0  │
 *                                   └────┴────┴────┴────┴────┴────┴────┴────┘
 *                              foreign ┘  class 31 ┘   huge ┘ └ its other pages: as if they were nobody's
 *
 * Whoever acquires pages writes their bytes before it hands out an address in them, and clears them before it releases
 * the pages; the pool's atomic operations order the two. A reader holds a live block of the page, so its byte is
 * settled, or holds a foreign pointer, and may see any byte that is not of a block it could own. Others look at pages
 * that are not theirs (`kindOfPage`), and may see any byte that was there.
 */

import { ADDRESS_BITS, HAS_FAR, NEAR_PAGES, PAGE_SHIFT, WORD } from "./config";
import { covered, isCovered, nearEntry, regionMap, secondEntry } from "./control";

/** Kinds of pages. A number from CLASS_FIRST on (size-class.ts) is a slab of that class. */
export const KIND_FOREIGN: u32 = 0;
export const KIND_LARGE: u32 = 1;
export const KIND_HUGE: u32 = 2;
export const KIND_METADATA: u32 = 4;
/** A page reserved for metadata, behind the page that is being filled. */
export const KIND_METADATA_SPARE: u32 = 5;
/** As foreign, of a page that was something else: no byte that was written is 0 again, see `makeFar`. */
export const KIND_RELEASED: u32 = 6;

/** Times a byte: a word of it. */
export const EACH_BYTE: u64 = 0x0101010101010101;

/** The byte of `address`, for `free`: as far as this instance's map tells. Beyond, it is foreign. */
// @ts-ignore: decorator
@inline
export function kindOfBlock(address: usize): u32 {
  const page = address >> PAGE_SHIFT;
  if (HAS_FAR) {
    if (page >= covered) return KIND_FOREIGN;
  } else if (ADDRESS_BITS < WORD * 8 && (!HK_VIRTUAL || HK_GUARD)) {
    // Addresses of a process are never wider than the map, but for those that a mistake made up.
    if (address >> ADDRESS_BITS) return KIND_FOREIGN;
  }
  return load<u8>(regionMap() + page);
}

/** The byte of `address`; any address may be asked. */
export function kindOf(address: usize): u32 {
  return HAS_FAR ? kindOfPage(address >> PAGE_SHIFT) : kindOfBlock(address);
}

/** The byte of page `page`. */
// @ts-ignore: decorator
@inline
export function kindOfPage(page: usize): u32 {
  return isCovered(page) ? load<u8>(regionMap() + page) : KIND_FOREIGN;
}

/** Writes the bytes of `count` pages from `page`, which the tables tell of. */
export function setKind(page: usize, count: usize, kind: u32): void {
  for (const end = page + count; page < end; ++page) setKindOfPage(page, kind);
}

/** Writes the byte of `page`, which the tables tell of. */
export function setKindOfPage(page: usize, kind: u32): void {
  let entry = nearEntry(page);
  if (HAS_FAR && page < NEAR_PAGES) {
    store<u8>(entry, <u8>kind);
    entry = secondEntry(page);
    if (!entry) return;
  } else {
    isCovered(page);
    entry = regionMap() + page;
  }
  store<u8>(entry, <u8>kind);
}
