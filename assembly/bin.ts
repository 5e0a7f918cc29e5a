/**
 * Bins: the only memory beside the block that malloc's and free's fast paths write, one a size class in each thread's heap.
 *
 *   heap + BINS_OFFSET ─► ┌────────────┬────────────┬─ ─ ─      a bin: head of the active magazine, and how many blocks
 *                         │ head, room │ head, room │           may still be added to it
 *                         └────────────┴────────────┴─ ─ ─
 *                          kind 0        1            … CLASS_END
 *
 * A bin is found by adding the kind of a page (region.ts) to the heap; the kinds that are not small have bins that never
 * have blocks or room. Only the thread whose heap it is touches a bin, and an adopter after its death; others
 * read the room for their figures.
 *
 * In a hardened build there is a third number, which never changes: by it `free` finds out with one multiplication whether a
 * pointer into a slab of one page is the start of a block. A number n of 16 bits is a multiple of the size
 * d when n · ⌈2^32 / d⌉ mod 2^32 is less than ⌈2^32 / d⌉ (Lemire, Kaser, Kurz: Faster remainder by direct computation, 2019).
 *
 * The bins of two kinds that do not exist hold something else: the next of all thread heaps, and in shared memories the
 * gate, by which `free` finds the bins. The gate is the heap itself when it is open, and the heap of nobody, all of whose
 * bins are full, when it is closed; view.ts says when.
 */

import { PAGE_MASK, WORD } from "./config";
import * as native from "./platform/native";
import { CLASS_END } from "./size-class";

export const BIN_SHIFT: usize = WORD == 8 || HK_HARDENED ? 4 : 3;
const ROOM: usize = WORD;
const INVERSE: usize = WORD + sizeof<u32>();

/** Kinds of pages are bytes: so many bins could be asked for. */
export const KINDS: usize = 1 << 8;

/**
 * The heap of an instance that has none: whatever the kind, adding a bin's offset to it leaves the memory, also one of
 * 4 GiB, because WebAssembly adds a constant offset without wrapping. Native code begins with a heap of empty bins instead.
 */
export const NOWHERE: usize = <usize>-(KINDS << BIN_SHIFT);
export const BINS_OFFSET: usize = HK_NATIVE ? 0 : KINDS << (HK_CLASSES_HIGH ? BIN_SHIFT + 1 : BIN_SHIFT);
export const BINS_BYTES: usize = (<usize>CLASS_END) << BIN_SHIFT;

/** Kinds without pages, of the numbers below CLASS_FIRST. */
const KIND_GATE: usize = 15;
const KIND_NEXT: usize = 14;
/** Where a heap's gate lies. */
export const GATE_OFFSET: usize = BINS_OFFSET + (KIND_GATE << BIN_SHIFT);
/** Where a heap has the address of the next one. */
export const NEXT_OFFSET: usize = BINS_OFFSET + (KIND_NEXT << BIN_SHIFT);

/** Whether a thread must be stopped from freeing what it may not see yet. */
export const GATES: bool = HK_SHARED && !HK_VIRTUAL;

/** The heap in whose bins `free` puts blocks, for this thread's heap. */
// @ts-ignore: decorator
@inline
export function gateOf(heap: usize): usize {
  return GATES ? load<usize>(heap, GATE_OFFSET) : heap;
}

// @ts-ignore: decorator
@inline
export function binOf(heap: usize, kind: u32): usize {
  return heap + ((<usize>kind) << BIN_SHIFT);
}

// @ts-ignore: decorator
@inline
export function binHead(bin: usize): usize {
  return load<usize>(bin, BINS_OFFSET);
}

// @ts-ignore: decorator
@inline
export function setBinHead(bin: usize, block: usize): void {
  store<usize>(bin, block, BINS_OFFSET);
}

// @ts-ignore: decorator
@inline
export function binRoom(bin: usize): u32 {
  return load<u32>(bin, BINS_OFFSET + ROOM);
}

// @ts-ignore: decorator
@inline
export function setBinRoom(bin: usize, room: u32): void {
  store<u32>(bin, room, BINS_OFFSET + ROOM);
}

/** Hardened: prepares `mayBeInside` for blocks of `size` bytes, from 2 bytes to half a page. */
export function setBinInverse(bin: usize, size: usize): void {
  store<u32>(bin, u32.MAX_VALUE / <u32>size + 1, BINS_OFFSET + INVERSE);
}

/** Hardened: false when `block`, in a slab of the bin's class, is the start of one of its blocks; true when it is not, or may not be. */
// @ts-ignore: decorator
@inline
export function mayBeInside(block: usize, bin: usize): bool {
  const inverse = load<u32>(bin, BINS_OFFSET + INVERSE);
  // True where there is none: in a heap of nobody.
  return <u32>(block & PAGE_MASK) * inverse >= inverse;
}

/** Makes room for one more block. */
// @ts-ignore: decorator
@inline
export function raiseBinRoom(bin: usize): void {
  if (HK_NATIVE) native.increment(bin + (BINS_OFFSET + ROOM));
  else setBinRoom(bin, binRoom(bin) + 1);
}
