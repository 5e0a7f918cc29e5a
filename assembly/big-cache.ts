/**
 * Each thread's cache of freed large and huge blocks, by size.
 *
 *   list   0 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ 128 │ 129 ┄┄┄┄┄┄┄┄┄┄┄ 191
 *          large, by granules         │ huge, by pages beyond LARGE_MAX
 *
 * A request takes the smallest cached block that holds it and is not an eighth larger, found through a bit a list. For
 * everybody else a cached block is in use: its length, or its pages' kinds, stay as they are.
 *
 * What a thread may keep is a fraction of the heap; beyond it the lists give up blocks in turn. All of it goes before
 * memory grows.
 */

import { atomicLoad } from "./atomic";
import { GRANULE_SHIFT, GRANULE_SIZE, LARGE_MAX, PAGE_SHIFT, PAGE_SIZE } from "./config";
import { Control, control } from "./control";
import { link, next } from "./free-list";
import { freeHuge, freeLarge } from "./large";
import { BIG_LISTS, bigBits, bigHead, threadHeap } from "./thread";

const HUGE_LISTS: usize = LARGE_MAX >> GRANULE_SHIFT;
const LARGE_PAGES: usize = LARGE_MAX >> PAGE_SHIFT;
const NO_LIST: usize = BIG_LISTS;
const BITS: usize = 64;

/** A thread keeps at most this fraction of the heap's memory, but may always keep BYTES_MIN. */
const FRACTION_SHIFT: usize = 3;
const BYTES_MIN: usize = 4 * LARGE_MAX;
/** A block of n bytes serves requests that leave n / WASTE of it unused at most. */
const WASTE: usize = 8;

/** The list of blocks of exactly `size` bytes, a multiple of granules or pages; NO_LIST when such are not cached. */
// @ts-ignore: decorator
@inline
function listOf(size: usize): usize {
  if (size <= LARGE_MAX) return size >> GRANULE_SHIFT;
  return min(HUGE_LISTS + (size >> PAGE_SHIFT) - LARGE_PAGES, NO_LIST);
}

/** Bytes of the blocks of `list`. */
// @ts-ignore: decorator
@inline
function bytesOf(list: usize): usize {
  return list <= HUGE_LISTS ? list << GRANULE_SHIFT : (list - HUGE_LISTS + LARGE_PAGES) << PAGE_SHIFT;
}

/** The bit of a list in its word. */
// @ts-ignore: decorator
@inline
function bitOf(list: usize): u64 {
  return (<u64>1) << (list & (BITS - 1));
}

/** First list from `list` to `last` that has a block; NO_LIST when none has. */
function firstFilled(heap: usize, list: usize, last: usize): usize {
  while (list <= last && list < NO_LIST) {
    const bits = load<u64>(bigBits(heap, list)) >> (<u64>(list & (BITS - 1)));
    if (bits) {
      list += <usize>ctz<u64>(bits);
      return list <= last ? list : NO_LIST;
    }
    list = (list | (BITS - 1)) + 1;
  }
  return NO_LIST;
}

/**
 * Takes the first block of a list. The head alone is the truth: a thread that was interrupted for good, and whose heap is
 * used again, may have left a bit set for a list that is empty; then the bit is cleared and 0 returned.
 */
function pop(heap: usize, list: usize): usize {
  const head = bigHead(heap, list);
  const block = load<usize>(head);
  const following = block ? next(block) : 0;
  store<usize>(head, following);
  if (!following) {
    const bits = bigBits(heap, list);
    store<u64>(bits, load<u64>(bits) & ~bitOf(list));
  }
  if (block) threadHeap(heap).bigBytes -= bytesOf(list);
  return block;
}

/** A cached block for a request of `size` bytes, of which an eighth of the block at most is wasted; 0 when none. */
export function takeBig(heap: usize, size: usize): usize {
  const large = size <= LARGE_MAX;
  const unit = large ? GRANULE_SIZE : PAGE_SIZE;
  const list = listOf((size + unit - 1) & ~(unit - 1));
  // Large and huge do not stand in for each other: their lists count in different units.
  const most = min(listOf(size + size / (WASTE - 1)), large ? HUGE_LISTS : NO_LIST - 1);
  const filled = firstFilled(heap, list, max(list, most));
  return filled < NO_LIST ? pop(heap, filled) : 0;
}

/** Keeps a freed block of exactly `size` bytes, large or huge; false when such blocks are not kept. */
export function keepBig(heap: usize, block: usize, size: usize, large: bool): bool {
  const list = listOf(size);
  // A large block may have grown beyond LARGE_MAX, and a huge one be small but for its alignment.
  if (list >= NO_LIST || large != size <= LARGE_MAX) return false;
  const head = bigHead(heap, list);
  const bits = bigBits(heap, list);
  link(block, load<usize>(head));
  store<usize>(head, block);
  store<u64>(bits, load<u64>(bits) | bitOf(list));
  const thread = threadHeap(heap);
  thread.bigBytes += size;
  const committed = atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed"));
  const most = max<usize>(BYTES_MIN, committed >> FRACTION_SHIFT);
  while (thread.bigBytes > most) {
    let victim = firstFilled(heap, thread.bigHand, NO_LIST - 1);
    if (victim == NO_LIST) victim = firstFilled(heap, 0, NO_LIST - 1);
    if (victim == NO_LIST) break;
    thread.bigHand = <u32>(victim + 1 < NO_LIST ? victim + 1 : 0);
    const surplus = pop(heap, victim);
    if (surplus) release(surplus, bytesOf(victim));
  }
  return true;
}

function release(block: usize, size: usize): void {
  if (size <= LARGE_MAX) freeLarge(block, size);
  else freeHuge(block, size);
}

/** Frees everything that `heap` keeps. */
export function flushBig(heap: usize): void {
  for (let list: usize = 0; list < BIG_LISTS; ++list) {
    let block = load<usize>(bigHead(heap, list));
    store<usize>(bigHead(heap, list), 0);
    while (block) {
      const following = next(block);
      release(block, bytesOf(list));
      block = following;
    }
  }
  for (let list: usize = 0; list < BIG_LISTS; list += BITS) store<u64>(bigBits(heap, list), 0);
  threadHeap(heap).bigBytes = 0;
}
