/**
 * The memory that a linked module runs in.
 *
 *   0 ├ unused 1 KiB ┼ arena: the driver's tables ─── 4 MiB ┤ the peer's: static data, then its heap …
 *
 * 4 MiB is a multiple of every alignment that a peer could round its first address up to.
 */

export const PAGE_BYTES = 65_536;
/** Where the driver's arena begins. Address 0 is no block's, and the first kilobyte is left to who might believe in it. */
export const ARENA_START = 1024;
/** Where the driver's arena ends and the peer's memory begins. */
export const ARENA_END = 4 * 1024 * 1024;
export const ARENA_BYTES = ARENA_END - ARENA_START;
/** Pages of the maximum that every memory has and every linked module accepts: all that 32 bits can address. */
export const MAXIMUM_PAGES = 65_536;
