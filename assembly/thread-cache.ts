/**
 * The thread cache's slow side: what happens when a bin is empty or full. Read `refill` and `overflow`.
 *
 * A class has two magazines, each a list of free blocks: the active one in the bin, and a spare that is whole or absent.
 *
 *   malloc ◄── bin.head ─► ■ ■ ■ ■        spare ─► ■ ■ ■ ■ ■ ■ ■ ■
 *   free   ──►  room: 4 more
 *
 *   bin empty:  the spare becomes active; without one, a magazine is filled from a slab      (refill)
 *   bin full:   the active becomes the spare; the spare that was there is sent home          (overflow)
 *
 * so that n mallocs and n frees in turn, for any n up to a magazine, never reach a slab (after Bonwick's magazines).
 * A magazine doubles when the class had to be refilled, and halves when it overflows twice without a refill between.
 *
 * Order matters throughout: a list is taken out of one place before it is put into another, so that a thread that dies
 * in between leaks it and its adopter does not find it twice.
 */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { flushBig } from "./big-cache";
import { Control, control } from "./control";
import { link, next } from "./free-list";
import { growPool } from "./pool";
import { adoptSlabs, drainPending, retireEmpty, sendHome, takeRemote } from "./remote";
import { relax } from "./retention";
import { CLASS_END, CLASS_FIRST, classSize } from "./size-class";
import { carve, hasRoom, newSlab, slabPages, takeFree, takenCount, unqueue } from "./slab";
import { Slab } from "./superslab";
import {
  ABANDONED,
  ADOPTING,
  FREE,
  LAST_FLUSH,
  LAST_REFILL,
  LIVE,
  STATE_BITS,
  STATE_MASK,
  binOf,
  binRoom,
  classHeap,
  current,
  firstHeap,
  pendingOf,
  setBinRoom,
  stateOf,
  threadHeap,
} from "./thread";

/** The cache is emptied when this fraction of memory has been sent home. */
const FREED_FRACTION_SHIFT: usize = 3;

/** Bytes that are carved at once, as many as a page of most systems. */
const CARVE_BYTES: usize = 4096;

/**
 * Fills the empty bin of `cls` and takes a block from it.
 * @returns 0 when there is no memory
 */
export function refill(cls: u32): usize {
  const heap = current();
  const bin = binOf(heap, cls);
  const record = classHeap(heap, cls);
  let list = record.spare;
  let count = record.spareCount;
  if (list) {
    record.spare = 0;
  } else {
    record.magazine = min(record.magazine << 1, record.magazineMax);
    record.last = LAST_REFILL;
    drainPending(heap);
    const slab = slabWithRoom(heap, cls);
    if (!slab) return 0;
    relax();
    list = slab.free ? takeFree(slab, record.magazine) : carve(slab, min(record.magazine, carveMax(cls)));
    count = takenCount;
  }
  const limit = max(record.magazine, count);
  record.limit = limit;
  setBinRoom(bin, limit - count + 1);
  store<usize>(bin, next(list));
  return list;
}

/** Blocks that are carved at once: carving touches memory, which a system counts as used from then on. */
// @ts-ignore: decorator
@inline
function carveMax(cls: u32): u32 {
  return max<u32>(1, <u32>(CARVE_BYTES / classSize(cls)));
}

/** Puts `block` into the full bin of `cls`. */
export function overflow(block: usize, cls: u32): void {
  const heap = current();
  const bin = binOf(heap, cls);
  const record = classHeap(heap, cls);
  const home = record.spare;
  const count = record.spareCount;
  const full = load<usize>(bin);
  record.spare = 0;
  store<usize>(bin, 0);
  record.spareCount = record.limit;
  record.spare = full;
  if (home) {
    if (record.last == LAST_FLUSH) {
      record.magazine = max(record.magazine >> 1, min<u32>(HK_CACHE_MIN / 2, record.magazineMax));
    }
    record.last = LAST_FLUSH;
    threadHeap(heap).homeBytes += <usize>count * classSize(cls);
    sendHome(heap, home);
    relax();
  }
  record.limit = record.magazine;
  setBinRoom(bin, record.magazine);
}

/** The slab at the front of the class's queue, after taking those without room out of it; null when none has room. */
function frontSlab(heap: usize, cls: u32): Slab | null {
  const queue = classHeap(heap, cls);
  for (let slab = queue.first; slab; slab = queue.first) {
    if (hasRoom(slab) || takeRemote(slab)) return slab;
    unqueue(queue, slab);
  }
  return null;
}

/** A slab of the class that has room; null when there is no memory for one. */
function slabWithRoom(heap: usize, cls: u32): Slab | null {
  let collected = false;
  while (true) {
    const front = frontSlab(heap, cls);
    if (front) return front;
    if (adoptAbandoned(heap)) continue;
    if (mostlyFreed(heap)) {
      tidy();
      continue;
    }
    const fresh = newSlab(heap, cls);
    if (fresh) return fresh;
    // Before memory grows, what lies about in this thread goes home.
    if (!collected) {
      collected = true;
      collect();
    } else if (!growPool(slabPages(cls))) return null;
  }
}

/**
 * True when much has been sent home since this thread's cache was last emptied: then slabs stand empty but for a few
 * cached blocks, which had better go home too before fresh slabs are laid around them.
 */
function mostlyFreed(heap: usize): bool {
  const committed = atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("committed"));
  return threadHeap(heap).homeBytes > committed >> FREED_FRACTION_SHIFT;
}

/** Makes everything idle that this thread can reach available: its own, and what exited threads left. */
export function collect(): void {
  while (adoptAbandoned(current())) {}
  tidy();
}

/** Sends home every block that this thread caches and releases every slab of it that is empty then. */
export function tidy(): void {
  const heap = current();
  threadHeap(heap).homeBytes = 0;
  flushBins(heap, heap);
  forwardStray();
  drainPending(heap);
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) retireEmpty(heap, cls);
}

/** Empties the bins of `from`; `heap` is the caller's. */
export function flushBins(heap: usize, from: usize): void {
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    const bin = binOf(from, cls);
    const record = classHeap(from, cls);
    const active = load<usize>(bin);
    const spare = record.spare;
    setBinRoom(bin, 0);
    store<usize>(bin, 0);
    record.spare = 0;
    record.spareCount = 0;
    record.limit = 0;
    sendHome(heap, active);
    sendHome(heap, spare);
  }
  flushBig(from);
}

/** Slabs that were reported to a heap that nobody uses any more are reported to their owners. */
function forwardStray(): void {
  for (let heap = firstHeap(); heap; heap = threadHeap(heap).next) {
    if (atomicLoad<usize>(pendingOf(heap)) == 0) continue;
    const state = atomicLoad<u32>(stateOf(heap));
    if ((state & STATE_MASK) != FREE || !atomicCas<u32>(stateOf(heap), state, adoptingState())) continue;
    drainPending(heap);
    atomicStore<u32>(stateOf(heap), FREE);
  }
}

/** The state of a heap that is being adopted by this thread: names this thread, so that its own death frees it. */
function adoptingState(): u32 {
  return (atomicLoad<u32>(stateOf(current())) & ~STATE_MASK) | ADOPTING;
}

/** Takes the slabs of a thread that has exited, if there is one; true when it did. */
export function adoptAbandoned(heap: usize): bool {
  const abandoned = changetype<usize>(control) + offsetof<Control>("abandoned");
  if (atomicLoad<u32>(abandoned) == 0) return false;
  for (let from = firstHeap(); from; from = threadHeap(from).next) {
    const state = atomicLoad<u32>(stateOf(from));
    if ((state & STATE_MASK) != ABANDONED || !atomicCas<u32>(stateOf(from), state, adoptingState())) continue;
    countAbandoned(-1);
    adopt(heap, from);
    atomicStore<u32>(stateOf(from), FREE);
    return true;
  }
  return false;
}

/** Keeps count of the thread heaps in state ABANDONED. */
export function countAbandoned(change: i32): void {
  const address = changetype<usize>(control) + offsetof<Control>("abandoned");
  let count = atomicLoad<u32>(address);
  while (!atomicCas<u32>(address, count, <u32>(<i32>count + change))) count = atomicLoad<u32>(address);
}

/**
 * Gives everything that `from`, in state ADOPTING by this thread, has to `heap`, which is this thread's, or `from` itself
 * to put it in order.
 */
function adopt(heap: usize, from: usize): void {
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    classHeap(from, cls).first = null;
    classHeap(from, cls).back = null;
  }
  adoptSlabs(heap, from);
  flushBins(heap, from);
  drainPending(from);
}

/**
 * Puts what a thread that will never run again has left in order, and leaves it ABANDONED for whoever needs memory next.
 * The caller must be certain that it is dead.
 * @param id the thread's id; 0 for every thread but the caller
 * @returns false when no thread `id` other than the caller has a heap
 */
export function reclaimThread(id: u32): bool {
  let found = false;
  for (let from = firstHeap(); from; from = threadHeap(from).next) {
    const state = atomicLoad<u32>(stateOf(from));
    // LIVE: the thread's own heap. ADOPTING: one that it was taking over.
    const owned = (state & STATE_MASK) == LIVE || (state & STATE_MASK) == ADOPTING;
    if (!owned || from == current() || (id != 0 && state >> STATE_BITS != id)) continue;
    if (!atomicCas<u32>(stateOf(from), state, adoptingState())) continue;
    adopt(from, from);
    for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) retireEmpty(from, cls);
    atomicStore<u32>(stateOf(from), ABANDONED);
    countAbandoned(1);
    found = true;
  }
  return found;
}

/**
 * Fills the bin of `cls` up to `count` blocks, and no further than the profile lets a magazine grow.
 * @returns blocks in the bin
 */
export function prewarm(cls: u32, count: usize): usize {
  const heap = current();
  const bin = binOf(heap, cls);
  const record = classHeap(heap, cls);
  const wanted = <u32>min<usize>(count, record.magazineMax);
  record.magazine = max(record.magazine, wanted);
  let cached = record.limit - binRoom(bin);
  while (cached < wanted) {
    const front = frontSlab(heap, cls);
    const slab = front ? front : newSlab(heap, cls);
    if (!slab) {
      if (growPool(slabPages(cls))) continue;
      break;
    }
    const most = wanted - cached;
    const list = slab.free ? takeFree(slab, most) : carve(slab, most);
    let last = list;
    for (let following = next(last); following; following = next(last)) last = following;
    cached += takenCount;
    record.limit = max(record.magazine, cached);
    link(last, load<usize>(bin));
    store<usize>(bin, list);
    setBinRoom(bin, record.limit - cached);
  }
  return <usize>cached;
}
