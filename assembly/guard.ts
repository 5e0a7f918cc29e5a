/**
 * Fail-fast checks of the guard build. Nothing here is compiled into any other.
 *
 * A bit for every 16 bytes of a SuperSlab, in its metadata, tells whether a small block that the program holds starts
 * there. Free memory is filled, and the fill is verified when the block is handed out again.
 *
 *   free block   ┌──────┬───────┬──────────────────────────────────────┐
 *                │ next │ ~next │ df df df df df df df df df df df df df│
 *                └──────┴───────┴──────────────────────────────────────┘
 */

import { atomicAnd, atomicLoad, atomicOr } from "./atomic";
import { MIN_ALIGN_SHIFT, SUPERSLAB_SHIFT, WORD } from "./config";
import { FAIL_DOUBLE_FREE, FAIL_FOREIGN_POINTER, FAIL_INTERIOR_POINTER, FAIL_USE_AFTER_FREE } from "./failure";
import * as platform from "./platform";
import { EACH_BYTE } from "./region";
import { GUARD_OFFSET, metadataOf, slabOf } from "./superslab";

const FILL: u8 = 0xdf;
/** The links of a free block take its first two words. */
const FILL_OFFSET: usize = 2 * WORD;

const BITS_SHIFT: usize = 5;
const BITS_MASK: usize = (1 << BITS_SHIFT) - 1;

/** Index of the live bit of `block` in its SuperSlab. */
// @ts-ignore: decorator
@inline
function bitOf(block: usize): usize {
  return (block & (((<usize>1) << SUPERSLAB_SHIFT) - 1)) >> MIN_ALIGN_SHIFT;
}

/** Address of the atomic 32 live bits among which is that of `block`. */
// @ts-ignore: decorator
@inline
function wordOf(block: usize): usize {
  return metadataOf(block >> SUPERSLAB_SHIFT) + GUARD_OFFSET + (bitOf(block) >> BITS_SHIFT) * sizeof<u32>();
}

// @ts-ignore: decorator
@inline
function maskOf(block: usize): u32 {
  return (<u32>1) << ((bitOf(block) & BITS_MASK) as u32);
}

/** Prepares a block that has never been handed out. */
export function guardFresh(block: usize, size: usize): void {
  memory.fill(block + FILL_OFFSET, FILL, size - FILL_OFFSET);
}

/** Checks a small block on its way to the program and marks it live. */
export function guardAllocated(block: usize): void {
  const end = block + <usize>slabOf(block).blockSize;
  for (let at = block + FILL_OFFSET; at < end; at += sizeof<u64>()) {
    if (load<u64>(at) != EACH_BYTE * <u64>FILL) platform.fail(FAIL_USE_AFTER_FREE, block);
  }
  // A block that is live already can only come from a list that somebody wrote to.
  if (atomicOr<u32>(wordOf(block), maskOf(block)) & maskOf(block)) platform.fail(FAIL_USE_AFTER_FREE, block);
}

/** Checks that `block`, a pointer into a slab, is the start of a live block. */
export function guardLive(block: usize): void {
  const slab = slabOf(block);
  const offset = block - slab.start;
  if (offset % <usize>slab.blockSize) platform.fail(FAIL_INTERIOR_POINTER, block);
  if (offset / <usize>slab.blockSize >= <usize>slab.carved) platform.fail(FAIL_FOREIGN_POINTER, block);
  if (!(atomicLoad<u32>(wordOf(block)) & maskOf(block))) platform.fail(FAIL_DOUBLE_FREE, block);
}

/** Checks a small block on its way back, marks it free and fills it. */
export function guardFreed(block: usize): void {
  guardLive(block);
  if (!(atomicAnd<u32>(wordOf(block), ~maskOf(block)) & maskOf(block))) platform.fail(FAIL_DOUBLE_FREE, block);
  memory.fill(block + FILL_OFFSET, FILL, <usize>slabOf(block).blockSize - FILL_OFFSET);
}
