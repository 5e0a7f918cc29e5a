/**
 * The platform below the allocator, where memory is a WebAssembly memory.
 *
 * Read `grow` first: it is the only source of memory. `native.ts` has the same functions for the native target.
 */

import { GROW_UNIT } from "../config";

const GROW_SHIFT: usize = ctz<usize>(GROW_UNIT);

// @ts-ignore: decorator
@external("env", "hakmem_fail")
declare function hakmem_fail(code: u32, block: usize, size: usize, at: usize, value: u32): void;

/** Milliseconds, with fractions, of a clock that never goes back. */
// @ts-ignore: decorator
@external("env", "hakmem_now")
declare function hakmem_now(): f64;

/**
 * Grows the memory by `bytes`, a multiple of GROW_UNIT.
 * @returns the address of the new zero-filled bytes, or usize.MAX_VALUE when growth is refused
 */
export function grow(bytes: usize): usize {
  const pages = memory.grow(<i32>(bytes >> GROW_SHIFT));
  return pages == -1 ? usize.MAX_VALUE : (<usize>(<u32>pages)) << GROW_SHIFT;
}

/** Address just behind the memory, as a count of pages of 2^shift bytes (a byte address could wrap to 0). */
export function endPage(shift: usize): usize {
  return (<usize>(<u32>memory.size())) << (GROW_SHIFT - shift);
}

/**
 * Makes the engine read the memory's size anew.
 * @returns the address behind the memory, or of its last GROW_UNIT where that would wrap to 0
 */
export function renew(): usize {
  const pages = <usize>(<u32>memory.grow(0));
  return min<usize>(pages, usize.MAX_VALUE >> GROW_SHIFT) << GROW_SHIFT;
}

/** WebAssembly has no randomness: links are still checked against accidents. */
export function random(): usize {
  return <usize>0x9e3779b97f4a7c15;
}

/** A WebAssembly memory never shrinks and its pages cannot be given back one by one: nothing to do. */
export function purge(address: usize, bytes: usize): bool {
  return false;
}

/** Milliseconds; only lazy release asks, and it has nothing to do here. */
export function now(): u64 {
  return 0;
}

/** Nanoseconds. The import exists only in builds with statistics. */
export function nanoseconds(): u64 {
  return <u64>(hakmem_now() * 1e6);
}

/**
 * Orders stores as they are written, for whoever takes over what this thread leaves in the middle. Nothing interrupts
 * WebAssembly between two of them but at calls and loops, which no engine moves a store across.
 */
// @ts-ignore: decorator
@inline
export function order(): void {}

/** Lets others run: there is no way to. */
export function rest(): void {}

/**
 * Reports a broken program and does not return. The import exists only in builds that can call it.
 * @param code one of failure.ts
 * @param block the block that it is about, as the program knows it; `at` where there is none
 * @param size what was asked for, in bytes
 * @param at the address at fault: of a bad byte, or what a call was given
 * @param value the bad byte, or the size or alignment that a call was given
 */
export function fail(code: u32, block: usize, size: usize, at: usize, value: u32): void {
  hakmem_fail(code, block, size, at, value);
  unreachable();
}
