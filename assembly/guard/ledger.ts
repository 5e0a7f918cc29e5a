/**
 * The ledger of guard builds: what was asked for, for every block, kept apart from the blocks where no overflow reaches it.
 *
 * An entry for every 32 bytes of a page, made when the page first holds a block; no two blocks of a guard build begin in the
 * same 32 bytes, because none is shorter than 48 (family.ts).
 *
 *   entry   63  62  61 60  59 58  57 ┄┄ 52  51 ┄┄┄┄┄┄┄┄ 0
 *          ┌───┬───┬──────┬──────┬─────────┬─────────────┐    pad: the program's pointer is 2^pad bytes behind the
 *          │   │odd│state │maker │ pad     │ size        │    block's start; odd: the block starts at the 17th of
 *          └───┴───┴──────┴──────┴─────────┴─────────────┘    the 32 bytes
 *
 * Behind a page's entries are the last 64 operations on its blocks, for reports. Who writes one has a number of its own; a reader may find
 * one that is half another's.
 *
 * An entry changes hands with its block, and its state by compare-and-swap: of two threads that free a block at once, one
 * is told so. Entries of blocks that are long gone stay, so that a pointer to one is known for what it is.
 */

import { atomicAdd, atomicCas, atomicLoad, atomicStore } from "../atomic";
import {
  MIN_ALIGN,
  PAGES,
  PAGES_END,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  SUPERSLAB_PAGES_MASK,
  SUPERSLAB_PAGES_SHIFT,
  WORD,
} from "../config";
import { hugeAround, hugeSize, largeAround, largeSize } from "../large";
import { endSuperslab, firstSuperslab } from "../pool";
import { KIND_LARGE, kindOf } from "../region";
import { CLASS_FIRST, classSize } from "../size-class";
import { LEDGER_OFFSET, allocateMetadata, ensureMetadata, metadataOf, slabOf } from "../superslab";
import { ownerOf } from "../remote";
import { current, idOf } from "../thread";
import { see } from "../view";

const UNIT_SHIFT: usize = 5;
const PAGE_ENTRIES: usize = PAGE_SIZE >> UNIT_SHIFT;

/** Operations that are remembered of a page, of two words each, behind the count of all. */
const OPERATIONS: u32 = 64;
const COUNT_OFFSET: usize = PAGE_ENTRIES * sizeof<u64>();
const OPERATIONS_OFFSET: usize = COUNT_OFFSET + sizeof<u64>();
const LEDGER_BYTES: usize = OPERATIONS_OFFSET + ((<usize>OPERATIONS) << 4);

const PAD_SHIFT: u64 = 52;
const MAKER_SHIFT: u64 = 58;
const STATE_SHIFT: u64 = 60;
const ODD: u64 = 1 << 62;
const SIZE_MASK: u64 = (1 << PAD_SHIFT) - 1;
const PAD_MASK: u64 = (1 << (MAKER_SHIFT - PAD_SHIFT)) - 1;
const MAKER_MASK: u64 = 3;
const STATE_MASK: u64 = (<u64>3) << STATE_SHIFT;

/** States of a block. */
export const UNKNOWN: u64 = 0;
export const HELD: u64 = (<u64>1) << STATE_SHIFT;
/** In quarantine. */
export const FREED: u64 = (<u64>2) << STATE_SHIFT;
/** Given back. */
export const GONE: u64 = (<u64>3) << STATE_SHIFT;

/** Functions that make blocks, each with its own that frees them. */
export const MALLOC: u32 = 0;
export const NEW: u32 = 1;
export const NEW_ARRAY: u32 = 2;
/** As MALLOC, for a block that `realloc` has left where it was: it has forgotten the alignment that the block was made with. */
export const RESIZED: u32 = 3;

// @ts-ignore: decorator
@inline
export function sizeOf(entry: u64): usize {
  return <usize>(entry & SIZE_MASK);
}

/** Bytes between a block's start and the program's pointer, and the alignment of the latter. */
// @ts-ignore: decorator
@inline
export function padOf(entry: u64): usize {
  return <usize>((<u64>1) << ((entry >> PAD_SHIFT) & PAD_MASK));
}

// @ts-ignore: decorator
@inline
export function makerOf(entry: u64): u32 {
  return isResized(entry) ? MALLOC : <u32>((entry >> MAKER_SHIFT) & MAKER_MASK);
}

// @ts-ignore: decorator
@inline
export function isResized(entry: u64): bool {
  return ((entry >> MAKER_SHIFT) & MAKER_MASK) == RESIZED;
}

// @ts-ignore: decorator
@inline
export function stateOf(entry: u64): u64 {
  return entry & STATE_MASK;
}

/** Start of the block of `entry`, whose place in the ledger begins with the address `unit`. */
function startOf(entry: u64, unit: usize): usize {
  return unit + (entry & ODD ? MIN_ALIGN : 0);
}

/** Address of the atomic address of a page's entries; the page's SuperSlab must have metadata. */
function entriesOf(page: usize): usize {
  return metadataOf(page >> SUPERSLAB_PAGES_SHIFT) + LEDGER_OFFSET + (page & SUPERSLAB_PAGES_MASK) * WORD;
}

/** Address of the atomic entry of a block that starts at `start`; 0 when its page has none. */
function entryAt(start: usize): usize {
  const page = start >> PAGE_SHIFT;
  if (page >= PAGES || metadataOf(page >> SUPERSLAB_PAGES_SHIFT) == 0) return 0;
  const entries = see(atomicLoad<usize>(entriesOf(page)));
  return entries ? entries + ((start & PAGE_MASK) >> UNIT_SHIFT) * sizeof<u64>() : 0;
}

/** The entry of the block that starts at `start`. */
export function entryOf(start: usize): u64 {
  const at = entryAt(start);
  const entry = at ? atomicLoad<u64>(at) : UNKNOWN;
  return startOf(entry, start & ~(MIN_ALIGN * 2 - 1)) == start ? entry : UNKNOWN;
}

/** Notes a block that is about to be handed out; false when there is no memory for the note. */
export function note(start: usize, size: usize, pad: usize, maker: u32): bool {
  const page = start >> PAGE_SHIFT;
  if (ensureMetadata(page >> SUPERSLAB_PAGES_SHIFT) == 0) return false;
  if (atomicLoad<usize>(entriesOf(page)) == 0) {
    const made = allocateMetadata(LEDGER_BYTES);
    if (made == 0) return false;
    atomicCas<usize>(entriesOf(page), 0, made);
  }
  const odd = start & MIN_ALIGN ? ODD : 0;
  atomicStore<u64>(
    entryAt(start),
    HELD | odd | ((<u64>maker) << MAKER_SHIFT) | ((<u64>ctz<usize>(pad)) << PAD_SHIFT) | (<u64>size),
  );
  remember(start, maker == RESIZED ? OP_RESIZED : OP_ALLOCATED, entryOf(start));
  return true;
}

/** Notes that the block of `entry` at `start` is in another state; false when another thread was first. */
export function setState(start: usize, entry: u64, state: u64): bool {
  if (!atomicCas<u64>(entryAt(start), entry, (entry & ~STATE_MASK) | state)) return false;
  remember(start, state == FREED ? OP_FREED : OP_GIVEN_BACK, entry);
  return true;
}

// What reports say. Operations, as `guard_history` has them; 0 is none.
const OP_ALLOCATED: u64 = 1;
const OP_FREED: u64 = 2;
const OP_GIVEN_BACK: u64 = 3;
const OP_RESIZED: u64 = 4;
const OP_SHIFT: u64 = 56;
const THREAD_SHIFT: u64 = 40;
const ADDRESS_MASK: u64 = ((<u64>1) << OP_SHIFT) - 1;
const LENGTH_MASK: u64 = ((<u64>1) << THREAD_SHIFT) - 1;

function remember(start: usize, operation: u64, entry: u64): void {
  const page = start >> PAGE_SHIFT;
  const entries = see(atomicLoad<usize>(entriesOf(page)));
  const number = atomicAdd<u64>(entries + COUNT_OFFSET, 1);
  const at = entries + OPERATIONS_OFFSET + ((<usize>(number % OPERATIONS)) << 4);
  atomicStore<u64>(at, (operation << OP_SHIFT) | (<u64>(start + padOf(entry))));
  atomicStore<u64>(
    at + sizeof<u64>(),
    ((<u64>idOf(current())) << THREAD_SHIFT) | min<u64>(entry & SIZE_MASK, LENGTH_MASK),
  );
}

/**
 * The operation `back` before the last one on the blocks of the page of `address`: `what` 0 which, 1 the program's pointer, 2 bytes that were
 * asked for, 3 the thread's id. 0 for none.
 */
export function operation(address: usize, back: u32, what: u32): u64 {
  const page = address >> PAGE_SHIFT;
  if (page >= PAGES || metadataOf(page >> SUPERSLAB_PAGES_SHIFT) == 0) return 0;
  const entries = see(atomicLoad<usize>(entriesOf(page)));
  const count = entries ? atomicLoad<u64>(entries + COUNT_OFFSET) : 0;
  if (<u64>back >= min<u64>(count, OPERATIONS)) return 0;
  const at = entries + OPERATIONS_OFFSET + ((<usize>((count - 1 - back) % OPERATIONS)) << 4);
  const word = atomicLoad<u64>(at + (what < 2 ? 0 : sizeof<u64>()));
  return what == 0
    ? word >> OP_SHIFT
    : what == 1
      ? word & ADDRESS_MASK
      : what == 2
        ? word & LENGTH_MASK
        : word >> THREAD_SHIFT;
}

/**
 * The block `step` blocks behind the one around `address`, in the same slab: `what` 0 the program's pointer, or the block's where the ledger does not know it;
 * 1 bytes that were asked for; 2 its state, 0 for never used, 1 held, 2 in quarantine, 3 given back; 3 bytes of all blocks of the slab; 4 the id of the slab's thread.
 * 0 where there is none; blocks that are not in slabs have no neighbours.
 */
export function blockBeside(address: usize, step: i32, what: u32): u64 {
  const kind = kindOf(address);
  let start = blockAround(address);
  if (!start) return 0;
  if (kind >= CLASS_FIRST) {
    start += <usize>step * classSize(kind);
    if (start >> PAGE_SHIFT != address >> PAGE_SHIFT || blockAround(start) != start) return 0;
  } else if (step) return 0;
  const entry = entryOf(start);
  if (what == 0) return <u64>(entry == UNKNOWN ? start : start + padOf(entry));
  if (what == 1) return entry & SIZE_MASK;
  if (what == 2) return stateOf(entry) >> STATE_SHIFT;
  if (kind < CLASS_FIRST) return 0;
  if (what == 3) return <u64>classSize(kind);
  const owner = see(ownerOf(slabOf(address)));
  return owner ? <u64>idOf(owner) : 0;
}

/** Start of the block, of whichever state, that the allocator has at `address`; 0 when there is none. */
export function blockAround(address: usize): usize {
  const kind = kindOf(address);
  if (kind >= CLASS_FIRST) {
    const slab = slabOf(address);
    const index = (address - slab.start) / classSize(kind);
    return index < <usize>slab.capacity ? slab.start + index * classSize(kind) : 0;
  }
  return kind == KIND_LARGE ? largeAround(address) : hugeAround(address);
}

/** End of the block that starts at `start`, all of which this instance then sees. */
export function endOf(start: usize): usize {
  const kind = kindOf(start);
  const size = kind >= CLASS_FIRST ? classSize(kind) : kind == KIND_LARGE ? largeSize(start) : hugeSize(start);
  return see(start + size - 1) + 1;
}

/** The first block in the ledger behind `start` that the program holds; 0 when there is none. For walking through all. */
export function nextHeld(start: usize): usize {
  const end = min(endSuperslab() << SUPERSLAB_PAGES_SHIFT, PAGES_END);
  let page = start ? start >> PAGE_SHIFT : firstSuperslab() << SUPERSLAB_PAGES_SHIFT;
  let index = start ? ((start & PAGE_MASK) >> UNIT_SHIFT) + 1 : 0;
  while (page < end) {
    if (metadataOf(page >> SUPERSLAB_PAGES_SHIFT) == 0) {
      page = (page | SUPERSLAB_PAGES_MASK) + 1;
    } else {
      const entries = see(atomicLoad<usize>(entriesOf(page)));
      for (; entries && index < PAGE_ENTRIES; ++index) {
        const entry = atomicLoad<u64>(entries + index * sizeof<u64>());
        if (stateOf(entry) == HELD) return startOf(entry, (page << PAGE_SHIFT) + (index << UNIT_SHIFT));
      }
      ++page;
    }
    index = 0;
  }
  return 0;
}

/** Bytes that were asked for, of all blocks that the program holds. */
export function heldBytes(): usize {
  let bytes: usize = 0;
  for (let start = nextHeld(0); start; start = nextHeld(start)) bytes += sizeOf(entryOf(start));
  return bytes;
}
