/**
 * What the driver knows about the blocks it holds: how many bytes it asked for, the most at any time, and a checksum of what
 * it read back. Loops work on local copies and write them back when they end.
 *
 * A block carries its size in its first word and one byte in its last, so it is touched at both ends, and a block that
 * overlaps another changes the checksum.
 */

/** Mixes in the order of reading: the same reads in another order give another sum. */
export let checksum: u64 = 0;

/** Bytes in blocks that the driver holds; a thread that frees what others allocated may count below zero. */
export let live: i64 = 0;

/** The largest `live` so far. */
export let peak: i64 = 0;

/** The size of the request that failed, when a workload trapped because of one; 0 otherwise. */
export let failedRequest: usize = 0;

export function setChecksum(value: u64): void {
  checksum = value;
}

export function setLive(now: i64, highest: i64): void {
  live = now;
  peak = highest;
}

export function ledger_checksum(): u64 {
  return checksum;
}

export function ledger_live(): i64 {
  return live;
}

export function ledger_peak(): i64 {
  return peak;
}

export function ledger_failed(): usize {
  return failedRequest;
}

/** Ends a workload whose request for `size` bytes was refused. */
function refuse(size: usize): void {
  failedRequest = size;
  unreachable();
}

/** Touches a fresh block of at least 4 bytes. */
// @ts-ignore: decorator
@inline
export function mark(block: usize, size: u32): void {
  if (block == 0) refuse(size);
  store<u8>(block + size - 1, 0x5a);
  store<u32>(block, size);
}

/** The size that `mark` wrote. */
// @ts-ignore: decorator
@inline
export function read(block: usize): u32 {
  return load<u32>(block);
}

/** `sum` after reading `value`. */
// @ts-ignore: decorator
@inline
export function mix(sum: u64, value: u32): u64 {
  return rotl(sum, 5) + value;
}
