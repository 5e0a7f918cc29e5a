/**
 * The malloc family. Read `malloc` and `free` first: they are the fast paths, and everything else serves them.
 *
 * The size class is computed once, here, and handed down. Any thread that has a heap (lifecycle.ts) may call anything,
 * and may free what another thread allocated.
 */

import { binHead, binOf, binRoom, gateOf, mayBeInside, raiseBinRoom, setBinHead, setBinRoom } from "./bin";
import {
  GRANULE_SIZE,
  LARGE_MAX,
  LINKED,
  MAX_REQUEST,
  MIN_ALIGN,
  PAGE_SHIFT,
  PAGE_SIZE,
  MEDIUM_MAX,
  SMALL_MAX,
  WORD,
} from "./config";
import { hasHeap, nothing } from "./control";
import { BIG_ALLOCATED, BIG_FREED, BIG_REQUESTED, countOfHeap } from "./counters";
import { FAIL_INTERIOR_POINTER, FAIL_NOT_A_BLOCK } from "./failure";
import { codeOf, isMarked, link, mark, next, refuseMarked, unmark } from "./free-list";
import {
  allocateHuge,
  allocateLarge,
  blockClean,
  clearHuge,
  freeHuge,
  freeLarge,
  hugeSize,
  classOfLarge,
  largeAround,
  largeSize,
  pagesOf,
  resizeHuge,
  releaseJoined,
  resizeLarge,
} from "./large";
import { joinProcess, ready } from "./lifecycle";
import * as platform from "./platform";
import * as native from "./platform/native";
import { growPool, poolChanges } from "./pool";
import { KIND_FOREIGN, KIND_HUGE, KIND_LARGE, kindOf, kindOfBlock } from "./region";
import { refuseWrong, sendHomeAlone } from "./remote";
import { purgeExcess } from "./retention";
import { CLASS_END, CLASS_FIRST, CLASS_MEDIUM, alignedSize, classOf, classSize, nextClass } from "./size-class";
import { countAllocated, countFreed, current, uncountRequested } from "./thread";
import { collect, lengthen, overflow, putBack, refill, useSpare } from "./thread-cache";
import { openGate, see } from "./view";

/**
 * From this size on a block is cleared by giving its pages back and taking fresh ones, which costs nothing until they are
 * written, and then about ten times as much as clearing them. The C library takes fresh ones from this size on as well.
 */
const PURGE_MIN: usize = 1 << 25;

export const EINVAL: i32 = 22;
export const ENOMEM: i32 = 12;

/**
 * Allocates `size` bytes, aligned to 16. A size of 0 gives a unique block like any other.
 * @returns 0 when there is no memory
 */
export function malloc(size: usize): usize {
  const x = size - 1;
  if (x < MEDIUM_MAX) {
    const bin = binOf(current(), classOf(x));
    const block = binHead(bin);
    if (block) {
      countAllocated(current(), classOf(x), size);
      return takeHead(bin, block);
    }
  }
  return HK_NATIVE && !HK_GUARD ? mallocOrFail(size) : mallocSlow(size);
}

/** As `malloc`, of what this thread has at hand; else 0. For C++, where more than malloc does follows a failure. */
export function mallocCached(size: usize): usize {
  const x = size - 1;
  if (x >= MEDIUM_MAX) return 0;
  const bin = binOf(current(), classOf(x));
  const block = binHead(bin);
  if (!block) return 0;
  countAllocated(current(), classOf(x), size);
  return takeHead(bin, block);
}

// @ts-ignore: decorator
@inline
function takeHead(bin: usize, block: usize): usize {
  setBinHead(bin, next(block));
  if (!HK_UNSAFE) raiseBinRoom(bin);
  return unmark(block);
}

/**
 * Frees a block of this heap, whichever thread allocated it. Null is ignored, and so is a pointer that is not the start
 * of a block as far as the page's kind tells.
 */
export function free(block: usize): void {
  const kind = kindOfBlock(block);
  const bin = binOf(gateOf(current()), kind);
  const room = binRoom(bin);
  const code = codeOf(block);
  // Without limits bins have no room to tell: neither what is not small, nor a closed gate.
  if (HK_UNSAFE ? kind < CLASS_FIRST || gateOf(current()) != current() : !room || isSuspect(block, bin, code))
    return freeFull(block, kind);
  mark(block, code);
  link(block, binHead(bin), code);
  platform.order();
  setBinHead(bin, block);
  if (!HK_UNSAFE) setBinRoom(bin, room - 1);
  countFreed(current(), kind);
}

/** Hardened: true when `block` is free, or may not be the start of a block; by the bin of its class. */
// @ts-ignore: decorator
@inline
function isSuspect(block: usize, bin: usize, code: usize): bool {
  return HK_HARDENED && (mayBeInside(block, bin) || isMarked(block, code));
}

// The build keeps the slow paths apart (SLOW_PATHS of packages/tools/src/build/wasm.ts), so that no optimiser draws them into the fast
// paths, whose registers and frames would suffer.

/** Builds with statistics: what was asked for, when a class's block is; 0 when that is what is asked for. */
let askedFor: usize = 0;

/** The bin is empty, or there is none: for 0, or more than MEDIUM_MAX bytes. */
function mallocSlow(size: usize): usize {
  if (size > MEDIUM_MAX) return allocateBig(size, MIN_ALIGN);
  if (size == 0) return malloc(1);
  const cls = classOf(size - 1);
  const heap = current();
  let block = heap != nothing() ? useSpare(heap, cls) : 0;
  if (!block && ready()) {
    if (cls < CLASS_MEDIUM) block = refill(cls);
    else lengthen(current(), cls);
  }
  if (!block && cls >= CLASS_MEDIUM) {
    // The next longer one does as well, if it is at hand.
    const longer = nextClass(cls);
    if (longer < CLASS_END && binHead(binOf(current(), longer))) {
      if (HK_STATISTICS) uncountRequested(current(), longer, classSize(longer) - size);
      return malloc(classSize(longer));
    }
    if (HK_STATISTICS) askedFor = size;
    return allocateBig(classSize(cls), MIN_ALIGN);
  }
  // A slab needs a page; a block that is not much smaller may still fit between large ones. It keeps the alignment that the class has.
  if (HK_STATISTICS) askedFor = size;
  if (!block && classSize(cls) >= GRANULE_SIZE) return allocateBig(classSize(cls), classSize(cls) & -classSize(cls));
  if (HK_STATISTICS) askedFor = 0;
  if (HK_STATISTICS && block) countAllocated(current(), cls, size);
  if (HK_HARDENED && block) unmark(block);
  return block;
}

/** As mallocSlow, with the failure told as C does; here, so that malloc ends with this call and needs no frame. */
function mallocOrFail(size: usize): usize {
  const block = mallocSlow(size);
  return block != 0 ? block : native.outOfMemory();
}

/** A block that comes from no cache, for `asked` bytes: counted as of its class, where a thread with a heap will cache it when it is freed. */
function countBig(block: usize, asked: usize): void {
  const heap = current();
  const cls = kindOf(block) == KIND_LARGE ? classOfLarge(block) : 0;
  if (cls >= CLASS_FIRST && heap != nothing()) return countAllocated(heap, cls, asked);
  countOfHeap(BIG_ALLOCATED, 1);
  countOfHeap(BIG_REQUESTED, asked);
}

/** As `countBig`, of what has been freed, or has become another class's where it lies. */
function countBigEnd(cls: u32): void {
  const heap = current();
  if (cls >= CLASS_FIRST && heap != nothing()) countFreed(heap, cls);
  else countOfHeap(BIG_FREED, 1);
}

const LARGE_STEP: usize = MEDIUM_MAX >> 3;

/** A medium, large or huge block; 0 when there is no memory even after everything idle was given up for it. */
function allocateBig(size: usize, align: usize): usize {
  const asked = HK_STATISTICS && askedFor ? askedFor : size;
  if (HK_STATISTICS) askedFor = 0;
  if (size > MAX_REQUEST) return 0;
  if (!hasHeap() && !(HK_NATIVE && joinProcess())) return 0;
  // What is large needs no thread's heap, but all of the heap in one state.
  if (!HK_NATIVE && !HK_SHARED) ready();
  const large = size <= LARGE_MAX && align <= PAGE_SIZE;
  // As long as those that threads cache, or in steps of an eighth of the smallest, so that one that was freed serves the next.
  if (size > SMALL_MAX && size <= MEDIUM_MAX) size = classSize(classOf(size - 1));
  else if (size > MEDIUM_MAX && large) size = (size + (LARGE_STEP - 1)) & ~(LARGE_STEP - 1);
  const count = pagesOf(size) + (align > PAGE_SIZE ? (align >> PAGE_SHIFT) - 1 : 0);
  let collected = false;
  let since: u32 = 0;
  let tries: u32 = 0;
  while (true) {
    // What others cache after this thread has emptied the caches counts as a change.
    if (!collected) since = poolChanges();
    const block = large ? allocateLarge(size, align, collected) : allocateHuge(size, align);
    if (block) {
      if (HK_STATISTICS) countBig(block, asked);
      return unmark(block);
    }
    if (!collected) {
      collected = true;
      if (ready()) collect(0);
    } else if (growPool(count, since, tries++)) collected = false;
    // What has joined at the end of memory is free there, too, for what memory can still grow by.
    else if (large && releaseJoined() && growPool(count, poolChanges(), tries++)) collected = false;
    else return 0;
  }
}

/**
 * The bin of `kind` has no room. While the spare magazine is full, too, a block goes straight back into its slab, if that is this thread's:
 * so of many that are freed each is touched once, while it is in the processor's cache.
 */
function freeFull(block: usize, kind: u32): void {
  const heap = current();
  const isSmall = kind >= CLASS_FIRST && (!LINKED || hasHeap());
  const mayReturn = isSmall && gateOf(heap) == heap && !isSuspect(block, binOf(heap, kind), codeOf(block));
  if (!mayReturn || !putBack(heap, kind, block)) freeSlow(block, kind);
  else countFreed(heap, kind);
}

/** The bin of `kind` has no room or never has, or the gate is closed. */
function freeSlow(block: usize, kind: u32): void {
  // Before an instance has seen the heap no kind is what it seems, and no bin has room.
  if (LINKED && !hasHeap()) return;
  // Nor is it beyond the near tables before it has seen the far ones.
  if (kind == KIND_FOREIGN) kind = kindOf(block);
  const cls = kind == KIND_LARGE ? classOfLarge(block) : kind;
  if (cls < CLASS_FIRST) {
    if (block) freeBig(block, kind);
    return;
  }
  if (HK_HARDENED) {
    see(block + MIN_ALIGN - 1);
    if (kind < CLASS_FIRST) refuseMarked(block);
    else refuseWrong(block);
  }
  mark(block);
  let bin = binOf(gateOf(current()), cls);
  if (HK_UNSAFE || !binRoom(bin)) {
    // Where there is no memory for a heap of this thread's own, the block goes straight to where it came from.
    if (!ready()) return HK_NATIVE ? sendHomeAlone(block) : unreachable();
    // All has just been freed at once.
    if (!HK_NATIVE && !HK_SHARED && kindOf(block) != kind) return;
    if (gateOf(current()) != current()) openGate(current());
    bin = binOf(current(), cls);
    if (!binRoom(bin)) overflow(cls);
  }
  link(block, binHead(bin));
  platform.order();
  setBinHead(bin, block);
  setBinRoom(bin, binRoom(bin) - 1);
  countFreed(current(), cls);
}

/** Large blocks that this thread has freed; every PURGE_EVERY-th looks at what should go back to the platform. */
let bigFrees: u32 = 0;
const PURGE_EVERY: u32 = 8;

/** Frees what is not small, if it is a block at all. */
function freeBig(block: usize, kind: u32): void {
  const size = bigSize(block, kind);
  if (size == 0) return refuse(block);
  countOfHeap(BIG_FREED, 1);
  if (kind == KIND_LARGE) freeLarge(block);
  else freeHuge(block, size);
  if (HK_VIRTUAL && (++bigFrees & (PURGE_EVERY - 1)) == 0) purgeExcess();
}

/** A pointer that is not the start of a block. */
function refuse(block: usize): void {
  if (HK_HARDENED) {
    const start = kindOf(block) == KIND_LARGE ? largeAround(block) : 0;
    if (start) platform.fail(FAIL_INTERIOR_POINTER, start, largeSize(start), block, 0);
    platform.fail(FAIL_NOT_A_BLOCK, block, 0, block, 0);
  }
  if (HK_NATIVE) native.foreign(block);
}

/** Bytes that may be used of `block`, at least what was asked for; 0 for null and for what is not a block. */
export function malloc_usable_size(block: usize): usize {
  if (!hasHeap()) return 0;
  const kind = kindOf(block);
  return kind >= CLASS_FIRST ? classSize(kind) : bigSize(block, kind);
}

/** Bytes of a large or huge block, by its page's kind; 0 for what is none. */
function bigSize(block: usize, kind: u32): usize {
  if (kind == KIND_LARGE) return largeSize(block);
  return kind == KIND_HUGE ? hugeSize(block) : 0;
}

/** True when count · size does not fit an address. */
export function overflows(count: usize, size: usize): bool {
  const half: usize = WORD * 4;
  return (count | size) >> half != 0 && count != 0 && size > usize.MAX_VALUE / count;
}

/** Allocates count · size bytes of zeros; 0 when there is no memory or the product does not fit. */
export function calloc(count: usize, size: usize): usize {
  if (overflows(count, size)) return 0;
  const bytes = count * size;
  const block = malloc(bytes);
  if (!block) return 0;
  const small = bytes <= MEDIUM_MAX;
  // Pages fresh from the platform are zero already.
  if (small || kindOf(block) != KIND_HUGE) {
    if (small || !blockClean) memory.fill(block, 0, bytes);
  } else if (!HK_VIRTUAL || bytes < PURGE_MIN || !platform.purge(block, hugeSize(block))) {
    clearHuge(block, bytes);
  }
  return block;
}

/**
 * Makes `block` hold `size` bytes, moving it if need be; its contents stay up to the smaller size. Null allocates; a
 * size of 0 leaves the smallest block.
 * @returns 0 when there is no memory, or `block` is not a block: then nothing has changed
 */
export function realloc(block: usize, size: usize): usize {
  if (!block) return malloc(size);
  const kind = hasHeap() ? kindOf(block) : KIND_FOREIGN;
  if (kind < CLASS_FIRST) return reallocBig(block, size, kind);
  const old = classSize(kind);
  see(block + old - 1);
  if (isSuspect(block, binOf(current(), kind), codeOf(block))) refuseWrong(block);
  // Blocks that shrink to less than half make room for others.
  return size <= old && size > old >> 1 ? block : move(block, old, size);
}

/** Allocates `size` bytes for what is in a block of `old` bytes, and frees that; leaves it where there is no memory to shrink it. */
function move(block: usize, old: usize, size: usize): usize {
  const moved = malloc(size);
  if (!moved) return size <= old ? block : 0;
  memory.copy(moved, block, min(old, size));
  free(block);
  return moved;
}

function reallocBig(block: usize, size: usize, kind: u32): usize {
  const old = bigSize(block, kind);
  if (old == 0) {
    refuse(block);
    return HK_NATIVE && !HK_GUARD ? native.outOfMemory() : 0;
  }
  see(block + old - 1);
  if (HK_HARDENED && kind == KIND_LARGE) refuseMarked(block);
  if (resizeBig(block, old, size, kind)) return block;
  const moved = move(block, old, size);
  // What lies behind it may have been in the hands of others, for whom malloc has waited.
  return !moved && resizeBig(block, old, size, kind) ? block : moved;
}

/** Makes a large or huge block of `old` bytes `size` bytes long where it lies, if that is possible. */
function resizeBig(block: usize, old: usize, size: usize, kind: u32): bool {
  const asked = size;
  const before = HK_STATISTICS && kind == KIND_LARGE ? classOfLarge(block) : 0;
  if (size <= SMALL_MAX ? size <= old >> 1 : size > MAX_REQUEST) return false;
  if (size > SMALL_MAX && size <= MEDIUM_MAX) {
    // As long as those that threads cache, or as the next longer ones, which malloc gives, too.
    const cls = classOf(size - 1);
    if (old == classSize(nextClass(cls))) return true;
    size = classSize(cls);
  }
  const resized = kind == KIND_LARGE ? resizeLarge(block, size) : size > LARGE_MAX && resizeHuge(block, size);
  if (HK_STATISTICS && resized) {
    countBigEnd(before);
    countBig(block, asked);
  }
  return resized;
}

/** `realloc` to count · size bytes; 0 also when the product does not fit. */
export function reallocarray(block: usize, count: usize, size: usize): usize {
  return overflows(count, size) ? 0 : realloc(block, count * size);
}

/** Allocates `size` bytes at a multiple of `align`, any power of two; 0 also when it is none. */
export function memalign(align: usize, size: usize): usize {
  if (align == 0 || align & (align - 1)) return 0;
  if (align <= MIN_ALIGN) return malloc(size);
  if (align > MAX_REQUEST || size > MAX_REQUEST - align) return 0;
  // Blocks of a slab start at multiples of their size from a page boundary.
  const rounded = (max<usize>(size, 1) + align - 1) & ~(align - 1);
  return rounded <= SMALL_MAX ? malloc(alignedSize(rounded, align)) : allocateBig(max<usize>(size, 1), align);
}

/** `memalign`, as C11 names it. */
export function aligned_alloc(align: usize, size: usize): usize {
  return memalign(align, size);
}

/** `memalign` that stores the address at `out`; returns 0, EINVAL or ENOMEM, and stores only with 0. */
export function posix_memalign(out: usize, align: usize, size: usize): i32 {
  if (align < WORD || align & (align - 1)) return EINVAL;
  const block = memalign(align, size);
  if (!block) return ENOMEM;
  store<usize>(out, block);
  return 0;
}

/** `free` with the size that was asked for. */
export function free_sized(block: usize, size: usize): void {
  free(block);
}

/** `free` with the alignment and the size that were asked for. */
export function free_aligned_sized(block: usize, align: usize, size: usize): void {
  free(block);
}
