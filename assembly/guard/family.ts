/**
 * The malloc family of guard builds: the same allocator behind checks that find what a program does wrong with its memory.
 *
 *            start                pointer               pointer + size                    end
 *              ├─ pad ≥ 16 ─────────┼──────── size ───────────┼─ ≥ 32 ──────────────────────┤
 *   held       │ fa fa fa ┄┄┄┄┄┄ fa │ the program's (fresh: a5)│ fb fb fb ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ fb │
 *   freed      │ df df df ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ df │
 *
 * Found are writes beyond the size that was asked for and before the block, when it is freed, resized or checked; writes to
 * freed blocks, when they leave the quarantine or are checked; and at once every free and realloc of what is not the start
 * of a block that is held, by the function that belongs to the one that made it, with its size and alignment. What was
 * asked for is in the ledger, out of reach of all that.
 *
 * Any thread may call anything, as in malloc.ts, which is below this.
 */

import { MAX_REQUEST, MIN_ALIGN, WORD } from "../config";
import {
  FAIL_DOUBLE_FREE,
  FAIL_FOREIGN_POINTER,
  FAIL_INTERIOR_POINTER,
  FAIL_OVERFLOW,
  FAIL_UNDERFLOW,
  FAIL_USE_AFTER_FREE,
  FAIL_WRONG_ALIGNMENT,
  FAIL_WRONG_FUNCTION,
  FAIL_WRONG_SIZE,
} from "../failure";
import {
  EINVAL,
  ENOMEM,
  free as release,
  calloc as acquireZeros,
  malloc as acquire,
  memalign as acquireAligned,
  overflows,
} from "../malloc";
import * as platform from "../platform";
import { EACH_BYTE } from "../region";
import { hasHeap, QUARANTINE_SLOTS } from "../control";
import {
  FREED,
  GONE,
  HELD,
  MALLOC,
  RESIZED,
  UNKNOWN,
  blockAround,
  endOf,
  entryOf,
  isResized,
  makerOf,
  nextHeld,
  note,
  padOf,
  setState,
  sizeOf,
  stateOf,
} from "./ledger";
import { exchange, isTooFull, left, peek, takeOldest } from "./quarantine";

const BEFORE: u8 = 0xfa;
const BEHIND: u8 = 0xfb;
const FRESH: u8 = 0xa5;
const DEAD: u8 = 0xdf;

/** Bytes behind what was asked for, at least: an overflow by less than so many is found. */
const BEHIND_MIN: usize = 32;
/** Of longer blocks only so many bytes are filled when they are made or freed: their pages should not all be touched. */
const FILL_MAX: usize = 1 << 24;
const LARGEST_PAD: u32 = 31;

// --- Making --------------------------------------------------------------------------------------------------------

/** A block of `size` bytes at a multiple of `align`, of zeros or filled, and noted as made by `maker`; 0 without memory. */
function guardAllocate(size: usize, align: usize, zeros: bool, maker: u32): usize {
  const pad = max(align, MIN_ALIGN);
  if (pad > MAX_REQUEST / 2 || size > MAX_REQUEST - BEHIND_MIN - pad) return 0;
  const whole = pad + size + BEHIND_MIN;
  let start = acquireFor(whole, pad, zeros);
  if (!start) {
    // What is in quarantine is better used than memory refused.
    guardFlush();
    start = acquireFor(whole, pad, zeros);
    if (!start) return 0;
  }
  const block = start + pad;
  memory.fill(start, BEFORE, pad);
  if (!zeros) memory.fill(block, FRESH, min(size, FILL_MAX));
  memory.fill(block + size, BEHIND, endOf(start) - block - size);
  // The last thing: a check by another thread, or after a fork or a jump out of here, finds it as it should be.
  if (!note(start, size, pad, maker)) {
    release(start);
    return 0;
  }
  return block;
}

/** Zeros are for blocks that need no alignment. */
function acquireFor(whole: usize, pad: usize, zeros: bool): usize {
  if (zeros) return acquireZeros(1, whole);
  return pad == MIN_ALIGN ? acquire(whole) : acquireAligned(pad, whole);
}

/** Bytes that lie around a block, at least. */
export const AROUND: usize = MIN_ALIGN + BEHIND_MIN;

/** For C++: a block that only the `delete` of its `new` may free. */
export function guardNew(size: usize, align: usize, maker: u32): usize {
  return guardAllocate(size, align, false, maker);
}

export function malloc(size: usize): usize {
  return guardAllocate(size, MIN_ALIGN, false, MALLOC);
}

export function calloc(count: usize, size: usize): usize {
  return overflows(count, size) ? 0 : guardAllocate(count * size, MIN_ALIGN, true, MALLOC);
}

export function memalign(align: usize, size: usize): usize {
  return align == 0 || align & (align - 1) ? 0 : guardAllocate(size, align, false, MALLOC);
}

export function aligned_alloc(align: usize, size: usize): usize {
  return memalign(align, size);
}

export function posix_memalign(out: usize, align: usize, size: usize): i32 {
  if (align < WORD || align & (align - 1)) return EINVAL;
  const block = memalign(align, size);
  if (!block) return ENOMEM;
  store<usize>(out, block);
  return 0;
}

// --- Checking ------------------------------------------------------------------------------------------------------

/** Address of the first of the bytes [from, to) that is not `byte`; `to` when all are. */
function firstOther(from: usize, to: usize, byte: u8): usize {
  while (from < to && from & (sizeof<u64>() - 1)) {
    if (load<u8>(from) != byte) return from;
    ++from;
  }
  while (from + sizeof<u64>() <= to && load<u64>(from) == EACH_BYTE * <u64>byte) from += sizeof<u64>();
  while (from < to && load<u8>(from) == byte) ++from;
  return from;
}

/** Reports a bad byte at `at`, of the block of `entry` at `start`. */
function failAt(code: u32, start: usize, entry: u64, at: usize): void {
  platform.fail(code, start + padOf(entry), sizeOf(entry), at, <u32>load<u8>(at));
}

/** Reports a call that was given `pointer`, about the block of `entry` at `start`. */
function failCall(code: u32, start: usize, entry: u64, pointer: usize): void {
  platform.fail(code, start + padOf(entry), sizeOf(entry), pointer, 0);
}

/** Checks the bytes around a block that the program holds, or held: one that somebody has freed meanwhile is not wrong. */
function checkHeld(start: usize, entry: u64): void {
  const block = start + padOf(entry);
  const end = endOf(start);
  let at = firstOther(start, block, BEFORE);
  if (at < block && entryOf(start) == entry) failAt(FAIL_UNDERFLOW, start, entry, at);
  at = firstOther(block + sizeOf(entry), end, BEHIND);
  if (at < end && entryOf(start) == entry) failAt(FAIL_OVERFLOW, start, entry, at);
}

/** Checks the bytes of a freed block. */
function checkFreed(start: usize, entry: u64): void {
  const end = start + min(endOf(start) - start, FILL_MAX);
  const at = firstOther(start, end, DEAD);
  if (at < end) failAt(FAIL_USE_AFTER_FREE, start, entry, at);
}

/**
 * The entry of the block that the program holds at `pointer`, with all about it checked; does not return if there is none.
 * The block starts padOf(entry) bytes before `pointer`.
 */
function heldAt(pointer: usize): u64 {
  const start = blockAround(pointer);
  const entry = start ? entryOf(start) : UNKNOWN;
  if (stateOf(entry) == HELD && pointer == start + padOf(entry)) {
    checkHeld(start, entry);
    return entry;
  }
  // A pointer that was right once is told from one that never was.
  for (let pad = ctz<u32>(<u32>MIN_ALIGN); pad < LARGEST_PAD; ++pad) {
    const before = pointer - ((<usize>1) << pad);
    const former = before < pointer ? entryOf(before) : UNKNOWN;
    if (stateOf(former) > HELD && padOf(former) == (<usize>1) << pad)
      failCall(FAIL_DOUBLE_FREE, before, former, pointer);
  }
  if (entry != UNKNOWN) failCall(FAIL_INTERIOR_POINTER, start, entry, pointer);
  platform.fail(FAIL_FOREIGN_POINTER, pointer, 0, pointer, 0);
  return UNKNOWN;
}

/** Checks all blocks that the program holds and all that are in quarantine. Other threads may go on meanwhile. */
export function guardCheck(): void {
  if (!hasHeap()) return;
  for (let start = nextHeld(0); start; start = nextHeld(start)) {
    const entry = entryOf(start);
    if (stateOf(entry) == HELD) checkHeld(start, entry);
  }
  for (let index: usize = 0; index < QUARANTINE_SLOTS; ++index) {
    const start = peek(index);
    if (start == 0) continue;
    const entry = entryOf(start);
    const end = start + min(endOf(start) - start, FILL_MAX);
    if (firstOther(start, end, DEAD) != end && peek(index) == start) checkFreed(start, entry);
  }
}

// --- Freeing -------------------------------------------------------------------------------------------------------

const ANY_SIZE: usize = usize.MAX_VALUE;

/**
 * Frees the block at `pointer`, which `maker` must have made; null is ignored.
 * @param size what must have been asked for; ANY_SIZE when the caller does not say
 * @param align what the alignment must be; 0 when the caller does not say
 */
export function guardFree(pointer: usize, size: usize, align: usize, maker: u32): void {
  if (!pointer) return;
  if (!hasHeap()) return platform.fail(FAIL_FOREIGN_POINTER, pointer, 0, pointer, 0);
  const entry = heldAt(pointer);
  const start = pointer - padOf(entry);
  if (makerOf(entry) != maker) failCall(FAIL_WRONG_FUNCTION, start, entry, pointer);
  if (size != ANY_SIZE && size != sizeOf(entry))
    platform.fail(FAIL_WRONG_SIZE, pointer, sizeOf(entry), pointer, <u32>size);
  if (align && !isResized(entry) && max(align, MIN_ALIGN) != padOf(entry)) {
    platform.fail(FAIL_WRONG_ALIGNMENT, pointer, sizeOf(entry), pointer, <u32>align);
  }
  // Another thread may have freed it since it was looked at: then the entry is another.
  if (!setState(start, entry, FREED)) failCall(FAIL_DOUBLE_FREE, start, entry, pointer);
  const bytes = endOf(start) - start;
  memory.fill(start, DEAD, min(bytes, FILL_MAX));
  leave(exchange(start, bytes));
  // The block itself stays in any case, as the last of the ring.
  for (let n: usize = 0; n < QUARANTINE_SLOTS - 1 && isTooFull(); ++n) leave(takeOldest(n));
}

/** Gives a block back that has been taken out of quarantine; 0 is none. */
function leave(start: usize): void {
  if (!start) return;
  const entry = entryOf(start);
  checkFreed(start, entry);
  left(endOf(start) - start);
  setState(start, entry, GONE);
  release(start);
}

/** Gives all blocks in quarantine back. */
export function guardFlush(): void {
  if (!hasHeap()) return;
  for (let n: usize = 0; n < QUARANTINE_SLOTS; ++n) leave(takeOldest(n));
}

export function free(pointer: usize): void {
  guardFree(pointer, ANY_SIZE, 0, MALLOC);
}

export function free_sized(pointer: usize, size: usize): void {
  guardFree(pointer, min(size, ANY_SIZE - 1), MIN_ALIGN, MALLOC);
}

export function free_aligned_sized(pointer: usize, align: usize, size: usize): void {
  guardFree(pointer, min(size, ANY_SIZE - 1), max(align, MIN_ALIGN), MALLOC);
}

/** Bytes that were asked for: what lies behind them is not the program's. */
export function malloc_usable_size(pointer: usize): usize {
  if (!pointer || !hasHeap()) return 0;
  const start = blockAround(pointer);
  const entry = start ? entryOf(start) : UNKNOWN;
  return stateOf(entry) == HELD && pointer == start + padOf(entry) ? sizeOf(entry) : 0;
}

/** `realloc` that always moves, so that an old pointer that is used again is found. */
export function realloc(pointer: usize, size: usize): usize {
  if (!pointer) return malloc(size);
  if (!hasHeap()) platform.fail(FAIL_FOREIGN_POINTER, pointer, 0, pointer, 0);
  const entry = heldAt(pointer);
  const start = pointer - padOf(entry);
  if (makerOf(entry) != MALLOC) failCall(FAIL_WRONG_FUNCTION, start, entry, pointer);
  const old = sizeOf(entry);
  const moved = malloc(size);
  if (moved) {
    memory.copy(moved, pointer, min(old, size));
    guardFree(pointer, old, 0, MALLOC);
    return moved;
  }
  if (size > old) return 0;
  // To shrink takes no memory.
  memory.fill(pointer + size, BEHIND, endOf(start) - pointer - size);
  note(start, size, padOf(entry), RESIZED);
  return pointer;
}

export function reallocarray(pointer: usize, count: usize, size: usize): usize {
  return overflows(count, size) ? 0 : realloc(pointer, count * size);
}
