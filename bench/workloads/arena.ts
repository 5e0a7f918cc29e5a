/**
 * The driver's own memory: slot tables, permutations, queues, traces. It lies outside the heap under test and its place is
 * told by the host, so that a workload measures nothing but the allocator.
 *
 *   single thread   ├─ segment ───────────────────────────────────────────────┤
 *   n threads       ├ board ┼─ segment 0 ─┼─ segment 1 ─┼ ┄ ┼─ segment n-1 ───┤
 *
 * The board (BOARD_BYTES) is what threads share: a barrier and the ends of queues.
 */

export const BOARD_BYTES: usize = 8192;

/** Where the board of several threads lies. */
export let board: usize = 0;

/** Number of this instance's thread, from 0, and of all threads that take part. */
export let threadIndex: i32 = 0;
export let threadCount: i32 = 1;

let start: usize = 0;
let bytes: usize = 0;
let used: usize = 0;

/** Gives the whole arena of `size` zeroed bytes at `address` to the only thread. Call it before any `…_begin`. */
export function arena_single(address: usize, size: usize): void {
  start = address;
  bytes = size;
  used = 0;
}

/** Gives thread `index` of `count` its share of an arena that all of them were told alike. */
export function arena_shared(address: usize, size: usize, index: i32, count: i32): void {
  board = address;
  threadIndex = index;
  threadCount = count;
  bytes = ((size - BOARD_BYTES) / <usize>count) & ~63;
  start = segmentOf(index);
  used = 0;
}

/** Where the segment of thread `index` begins. */
export function segmentOf(index: i32): usize {
  return board + BOARD_BYTES + bytes * <usize>index;
}

/** Takes `size` bytes of the segment, aligned to a cache line; traps when the segment is too small. */
export function reserve(size: usize): usize {
  const at = start + used;
  used += (size + 63) & ~63;
  if (used > bytes) unreachable();
  return at;
}
