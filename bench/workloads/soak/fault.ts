/** What a check finds wrong. The first fault ends the run: the host prints it and does not return. */

/** Bytes of two blocks are the same, or a block's were given up by somebody else. */
export const OVERLAP: u32 = 1;
/** A block does not hold what was written to it. */
export const DAMAGED: u32 = 2;
/** A block of `calloc` is not zero. */
export const NOT_ZERO: u32 = 3;
/** A block is not aligned as was asked for, or to 16 bytes. */
export const MISALIGNED: u32 = 4;
/** A request was refused although there is memory. */
export const REFUSED: u32 = 5;
/** `malloc_usable_size` says less than was asked for, or more than could be. */
export const UNUSABLE: u32 = 6;
/** A block lies where no block of the heap can. */
export const OUTSIDE: u32 = 7;
/** A call other than for a block answered what it must not. */
export const WRONG_ANSWER: u32 = 8;

// @ts-ignore: decorator
@external("host", "fail")
declare function host_fail(kind: u32, block: usize, size: usize, at: usize, expected: u64, found: u64): void;

/**
 * Ends the run.
 * @param block the block that was looked at, 0 for none, and its size
 * @param at the address at fault
 */
export function fail(kind: u32, block: usize, size: usize, at: usize, expected: u64, found: u64): void {
  host_fail(kind, block, size, at, expected, found);
  unreachable();
}
