/**
 * The geometry, as compile-time constants.
 *
 * A profile chooses the page; everything else is computed from it here, once. With the default page of 16 KiB, and where memory is
 * virtual, so that a page costs what is touched of it, of 64 KiB:
 *
 *   granule 1 KiB ─ ×16 ─ page 16 KiB ─ ×32 ─ SuperSlab 512 KiB          granule 4 KiB ─ page 64 KiB ─ SuperSlab 2 MiB
 *
 *   size in bytes     0 ┄ 4 KiB       small:  a block of a slab, which is a page of one size class          0 ┄ 16 KiB
 *               4 KiB+1 ┄ 64 KiB      medium: a run of granules, of a size class                     16 KiB+1 ┄ 32 KiB
 *                                     large:  a run of granules                                      32 KiB+1 ┄ 512 KiB
 *              64 KiB+1 ┄             huge:   a run of pages                                        512 KiB+1 ┄
 */

export const PAGE_SHIFT: usize = HK_PAGE_SHIFT;
export const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
export const PAGE_MASK: usize = PAGE_SIZE - 1;

/** Pages of a SuperSlab: as many as the bits of the word that holds their state. */
export const SUPERSLAB_PAGES_SHIFT: usize = 5;
export const SUPERSLAB_PAGES: usize = 1 << SUPERSLAB_PAGES_SHIFT;
export const SUPERSLAB_PAGES_MASK: usize = SUPERSLAB_PAGES - 1;
export const SUPERSLAB_SHIFT: usize = PAGE_SHIFT + SUPERSLAB_PAGES_SHIFT;

/** Granules of a page: the unit in which large blocks are cut. */
export const PAGE_GRANULES_SHIFT: usize = 4;
export const PAGE_GRANULES: usize = 1 << PAGE_GRANULES_SHIFT;
export const GRANULE_SHIFT: usize = PAGE_SHIFT - PAGE_GRANULES_SHIFT;
export const GRANULE_SIZE: usize = 1 << GRANULE_SHIFT;
export const SUPERSLAB_GRANULES: usize = SUPERSLAB_PAGES << PAGE_GRANULES_SHIFT;

/** Every block is aligned to this many bytes, and no block is smaller. */
export const MIN_ALIGN_SHIFT: usize = 4;
export const MIN_ALIGN: usize = 1 << MIN_ALIGN_SHIFT;

/** Largest block of a slab, in bytes: a slab holds four. */
export const SMALL_MAX_SHIFT: usize = PAGE_SHIFT - 2;
export const SMALL_MAX: usize = 1 << SMALL_MAX_SHIFT;

/** Largest block of a size class, in bytes, as threads cache them. */
export const MEDIUM_MAX_SHIFT: usize = HK_VIRTUAL ? 15 : PAGE_SHIFT < 14 ? PAGE_SHIFT + 2 : 16;
export const MEDIUM_MAX: usize = 1 << MEDIUM_MAX_SHIFT;

/** Largest block that threads cache, as far as the profile lets them cache a magazine of one. */
export const CACHED_MAX: usize =
  <usize>(HK_CACHE_BYTES / 2) < SMALL_MAX
    ? SMALL_MAX
    : <usize>(HK_CACHE_BYTES / 2) < MEDIUM_MAX
      ? <usize>(HK_CACHE_BYTES / 2)
      : MEDIUM_MAX;

/**
 * Largest block cut from granules, in bytes: runs of them do not cross SuperSlabs, and blocks as long as a part of one would waste the rest.
 * From here on rounding up to pages wastes a fifth at most; where pages are larger, an eighth.
 */
export const LARGE_MAX_SHIFT: usize = HK_VIRTUAL || PAGE_SHIFT > 14 ? PAGE_SHIFT + 3 : MEDIUM_MAX_SHIFT;
export const LARGE_MAX: usize = 1 << LARGE_MAX_SHIFT;

/** Pages of the longest run that is kept (runs.ts): a thread that dies with one in hand loses no more. */
const RUN_MAX_SHIFT: usize = 22 - PAGE_SHIFT;
export const RUN_MAX: usize = 1 << RUN_MAX_SHIFT;
/** Runs are kept by so many lengths, four a doubling, and so many of each. */
export const RUN_ROWS: u32 = ((<u32>(RUN_MAX_SHIFT - 2)) << 2) + 1;
export const RUN_WAYS: u32 = 4;
/** Hints at where those are kept that begin or end with a page; pages share them. */
export const RUN_EDGES: u32 = 1024;

/** Width of an address, in bytes: 4 or 8. */
export const WORD: usize = sizeof<usize>();

/** Memory grows by multiples of this many bytes: a page of WebAssembly's. */
export const GROW_UNIT: usize = 1 << 16;

/** Whether the heap is that of a program linked for WebAssembly: in C, but in a memory whose growth an instance may not have seen. */
export const LINKED: bool = HK_NATIVE && !HK_VIRTUAL;

/** What the region map and the page tables cover. */
export const ADDRESS_BITS: usize = HK_ADDRESS_BITS;
export const PAGES: usize = (<usize>1) << (ADDRESS_BITS - PAGE_SHIFT);
export const SUPERSLABS: usize = PAGES >> SUPERSLAB_PAGES_SHIFT;

/** Below this the tables that every heap has from its beginning tell what is there; for what lies beyond there are the far tables. */
const NEAR_SHIFT: usize = HK_VIRTUAL || ADDRESS_BITS <= 24 ? ADDRESS_BITS : ADDRESS_BITS <= 32 ? 24 : ADDRESS_BITS - 8;
export const NEAR_PAGES: usize = (<usize>1) << (NEAR_SHIFT - PAGE_SHIFT);
export const NEAR_SUPERSLABS: usize = NEAR_PAGES >> SUPERSLAB_PAGES_SHIFT;
/** Whether there can be memory beyond. */
export const HAS_FAR: bool = NEAR_PAGES < PAGES;

/**
 * Pages from here on are never used: where addresses fill a word, a block that ended with the last page would end at an
 * address that reads as 0, and all memory together would be 0 bytes.
 */
export const PAGES_END: usize = ADDRESS_BITS == WORD * 8 ? PAGES - (GROW_UNIT >> PAGE_SHIFT) : PAGES;

/** Requests above this are refused before any arithmetic on them can wrap. */
export const MAX_REQUEST: usize = (PAGES - 1) << PAGE_SHIFT;

/**
 * Identifies the layout of everything in linear memory. Instances that share a heap must agree on it.
 * The first number is the version of the layout: raise it with every change of a structure.
 */
export const CONFIG_HASH: u32 =
  ((7 * 0x01000193) ^
    (HK_PAGE_SHIFT << 24) ^
    (HK_ADDRESS_BITS << 16) ^
    (sizeof<usize>() << 10) ^
    (HK_SHARED << 9) ^
    (HK_NATIVE << 8) ^
    (HK_GUARD << 7) ^
    (HK_UNSAFE << 5) ^
    (HK_HARDENED << 4) ^
    (HK_VIRTUAL << 3) ^
    (HK_STATISTICS << 2) ^
    (HK_LEARNER << 1) ^
    (HK_CLASSES * 0x85ebca6b) ^
    (HK_CLASSES_HIGH * 0xc2b2ae35)) *
  0x9e3779b1;
