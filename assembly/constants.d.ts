/**
 * Compile-time constants. The build passes every one of them to the compiler (`--use NAME=value`), computed from a
 * profile and a target by `packages/tools/src/profile/`; this file only tells editors and `tsc` that they exist.
 */

/** 1: the memory is shared and calls may come from several threads. */
declare const HK_SHARED: i32;
/** 1: the allocator is on its way to C: threads begin by themselves, and the platform is functions of C. */
declare const HK_NATIVE: i32;
/** 1: memory is virtual: it can be reserved and given back, and signals interrupt. 0: it is a WebAssembly memory. */
declare const HK_VIRTUAL: i32;
/** log2 of a page in bytes: the unit of the region map, of slabs and of the page pool. */
declare const HK_PAGE_SHIFT: i32;
/** Addresses that the allocator can manage are below 2^HK_ADDRESS_BITS. */
declare const HK_ADDRESS_BITS: i32;
/** 1: fail-fast checks on every call. */
declare const HK_GUARD: i32;
/** 1: links of free blocks are encoded and checked, and blocks that are free are marked. */
declare const HK_HARDENED: i32;
/** 1: ceiling mode; the thread cache is never limited and never accounted. */
declare const HK_UNSAFE: i32;
/** Size classes up to 4 KiB, a bit each, 24 of them, and 24 more, the last of which is always set; both 0: four a doubling. */
declare const HK_CLASSES: i32;
declare const HK_CLASSES_HIGH: i32;
/** 1: what the allocator does is counted. */
declare const HK_STATISTICS: i32;
/** 1: threads learn how each size class is used, and choose magazines, carving and what they keep by it. */
declare const HK_LEARNER: i32;
/** Least blocks that a class of a thread cache may hold. */
declare const HK_CACHE_MIN: i32;
/** Most blocks that a class of a thread cache may hold. */
declare const HK_CACHE_MAX: i32;
/** Most bytes that a class of a thread cache may hold. */
declare const HK_CACHE_BYTES: i32;
/** Pages of the first growth of the pool. */
declare const HK_GROW_MIN_PAGES: i32;
/** Bytes that one growth step may not exceed unless a single request needs more. */
declare const HK_GROW_MAX_BYTES: i32;
/** Lazy release: most empty SuperSlabs, most bytes in them, and most milliseconds that they are kept. */
declare const HK_RETAIN_COUNT: i32;
declare const HK_RETAIN_BYTES: i64;
declare const HK_RETAIN_MS: i32;
