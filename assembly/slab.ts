/**
 * One slab: blocks of one size class, cut from a page of a SuperSlab.
 *
 *   start ─► ┌───────┬───────┬───────┬───────┬───────┬───────┬─ ─ ─ ─┬───────┐
 *            │ block │ block │ free ─┼──────────►│ free │ block │ uncarved   │
 *            └───────┴───────┴───────┴───────┴───────┴───────┴─ ─ ─ ─┴───────┘
 *              0       1        …                       carved ┘     capacity ┘
 *
 * `carved` grows until all blocks are home and the slab begins afresh; `used` goes up and down; carved - used blocks are
 * in `free`; what waits in `remote` counts as used until it is drained. A block is counted as used before it leaves and
 * until after it has come back, so that a thread that dies in between leaks a block and can never make a slab look empty
 * that is not.
 *
 * All functions are for the slab's owner.
 */

import { atomicStore } from "./atomic";
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from "./config";
import { secret } from "./control";
import { SLABS_MADE, countOfClass, endWindow, noteRetired } from "./counters";
import { link, mark, next } from "./free-list";
import { releaseJoined } from "./large";
import { learnMade, learnRetired } from "./learner";
import * as platform from "./platform";
import { NO_PAGES, endClaim, releasePages } from "./pool";
import { KIND_RELEASED, setKindOfPage } from "./region";
import { CLASS_END, CLASS_FIRST, classSize } from "./size-class";
import { Slab, acquireWithin, historyOf, slabOfPage } from "./superslab";
import { ClassHeap, FREED, classHeap, ownCounts, threadHeap } from "./thread";

/**
 * A fresh slab of `cls`, owned by thread heap `heap` and at the front of its queue.
 * @returns null when the pool has no pages for it
 */
export function newSlab(heap: usize, cls: u32): Slab | null {
  let page = acquireWithin(1);
  if (page == NO_PAGES && releaseJoined()) page = acquireWithin(1);
  if (page == NO_PAGES) return null;
  endClaim(false);
  const size = classSize(cls);
  const slab = slabOfPage(page);
  // An adopter of another heap may look at the owner meanwhile: so no memory.fill. In records that are not of a slab, owner and class
  // are 0.
  atomicStore<u64>(changetype<usize>(slab) + offsetof<Slab>("remote"), 0);
  slab.free = 0;
  slab.carved = 0;
  slab.used = 0;
  slab.start = page << PAGE_SHIFT;
  slab.blockSize = <u32>size;
  slab.capacity = <u32>PAGE_SIZE / <u32>size;
  slab.cls = <u8>cls;
  threadHeap(heap).fresh = 0;
  atomicStore<usize>(changetype<usize>(slab) + offsetof<Slab>("owner"), heap);
  if (HK_STATISTICS) {
    countOfClass(cls, SLABS_MADE, 1);
    store<u64>(historyOf(page), platform.nanoseconds());
    store<u64>(historyOf(page) + sizeof<u64>(), 0);
  }
  if (HK_LEARNER) learnMade(heap, cls);
  setKindOfPage(page, cls);
  pushFront(classHeap(heap, cls), slab);
  return slab;
}

/** Builds with statistics: a slab's blocks are about to begin afresh, or are home for good. */
export function noteUsed(slab: Slab): void {
  if (!HK_STATISTICS) return;
  const most = historyOf(slab.start >> PAGE_SHIFT) + sizeof<u64>();
  store<u32>(most, max(load<u32>(most), slab.carved));
}

/** Averages what all classes have done since the window before. */
function endWindows(): void {
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) endWindow(cls, ownCounts(cls, FREED));
}

/** Gives an empty slab's page back to the pool; nothing of it may be in use, queued or pending. */
export function releaseSlab(slab: Slab): void {
  const page = slab.start >> PAGE_SHIFT;
  if (HK_LEARNER) learnRetired(slab.owner, slab.cls, slab.carved, slab.capacity);
  if (HK_STATISTICS) {
    noteUsed(slab);
    const history = historyOf(page);
    const used = load<u32>(history, sizeof<u64>());
    if (noteRetired(slab.cls, page, load<u64>(history), used, slab.capacity)) endWindows();
  }
  // Disowned first: an adopter must not find a slab that is half gone.
  slab.cls = 0;
  atomicStore<usize>(changetype<usize>(slab) + offsetof<Slab>("owner"), 0);
  setKindOfPage(page, KIND_RELEASED);
  releasePages(page, 1);
}

/** True while a block can be taken without asking other threads. */
// @ts-ignore: decorator
@inline
export function hasRoom(slab: Slab): bool {
  return slab.free != 0 || slab.carved < slab.capacity;
}

/** Blocks that the last `takeFree` or `carve` returned. */
export let takenCount: u32 = 0;

/** Takes up to `most` blocks of the free list; the list that it returns ends with 0. */
export function takeFree(slab: Slab, most: u32): usize {
  const list = slab.free;
  const count = slab.carved - slab.used;
  // Signed: a thread that died at its work may have left `used` too large.
  if (<i32>count <= <i32>most) {
    slab.used = slab.carved;
    slab.free = 0;
    takenCount = <u32>max<i32>(count, 0);
    return list;
  }
  slab.used += most;
  let last = list;
  for (let n: u32 = 1; n < most; ++n) last = next(last);
  slab.free = next(last);
  link(last, 0);
  takenCount = most;
  return list;
}

/** Carves up to `most` new blocks, at least one of which must fit, into a list in address order. */
export function carve(slab: Slab, most: u32): usize {
  const size = <usize>slab.blockSize;
  const count = min(most, slab.capacity - slab.carved);
  const list = slab.start + <usize>slab.carved * size;
  slab.used += count;
  slab.carved += count;
  takenCount = count;
  if (HK_HARDENED) {
    // What is left behind the last block is none, and never free.
    const end = list + <usize>count * size;
    if (slab.carved == slab.capacity && end & PAGE_MASK) mark(end);
    return shuffle(list, size, count);
  }
  let block = list;
  for (let n: u32 = 1; n < count; ++n) {
    link(block, block + size);
    block += size;
  }
  link(block, 0);
  return list;
}

/** State of this thread's generator of orders. */
let random: u32 = 0;

/** Links `count` fresh blocks of `size` bytes from `start` on in an order that is hard to guess, marked as free. */
function shuffle(start: usize, size: usize, count: u32): usize {
  random = (random ^ (<u32>(secret ^ start))) * 0x9e3779b1;
  // Steps of a length that has no factor in common with the count meet every block once.
  let step: u32 = 1 + ((random >> 8) % count);
  while (gcd(step, count) != 1) ++step;
  let index = (random >> 16) % count;
  const list = start + <usize>index * size;
  let block = list;
  for (let n: u32 = 1; n < count; ++n) {
    index = (index + step) % count;
    const following = start + <usize>index * size;
    link(block, following);
    mark(block);
    block = following;
  }
  link(block, 0);
  mark(block);
  return list;
}

function gcd(a: u32, b: u32): u32 {
  while (b) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** Returns `count` blocks, linked from `head` to `last`; the caller then looks at `used` and the queue. */
// @ts-ignore: decorator
@inline
export function putFree(slab: Slab, head: usize, last: usize, count: u32): void {
  link(last, slab.free);
  platform.order();
  slab.free = head;
  platform.order();
  slab.used -= count;
}

/** Puts a slab at the front of its class's queue: it is next to be used. */
export function pushFront(queue: ClassHeap, slab: Slab): void {
  const first = queue.first;
  slab.previous = 0;
  slab.next = changetype<usize>(first);
  if (first) first.previous = changetype<usize>(slab);
  else queue.back = slab;
  queue.first = slab;
  slab.queued = 1;
}

/** Puts a slab at the back of its class's queue: it rests, and may become empty, before it is used again. */
export function pushBack(queue: ClassHeap, slab: Slab): void {
  const back = queue.back;
  slab.next = 0;
  slab.previous = changetype<usize>(back);
  if (back) back.next = changetype<usize>(slab);
  else queue.first = slab;
  queue.back = slab;
  slab.queued = 1;
}

/** Takes a slab out of its class's queue. */
export function unqueue(queue: ClassHeap, slab: Slab): void {
  const before = changetype<Slab | null>(slab.previous);
  const behind = changetype<Slab | null>(slab.next);
  if (before) before.next = slab.next;
  else queue.first = behind;
  if (behind) behind.previous = slab.previous;
  else queue.back = before;
  slab.queued = 0;
}
