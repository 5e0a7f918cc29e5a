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
 * Order matters throughout, for whoever mends a heap whose operation never ended (`mend`): nothing is ever in two places
 * but a list that is about to go home, and nothing in none but what remote.ts names, the block for the caller, and a
 * magazine between bin and spare. Those two stores are no operation: only a signal handler that jumps out between them, or
 * a fork, can lose it.
 */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { binHead, binOf, binRoom, setBinHead, setBinRoom } from "./bin";
import { Control, control, firstHeap, nextHeap } from "./control";
import { PAGE_SIZE } from "./config";
import { REFILLS, SENT_HOME, countOfClass } from "./counters";
import { link, mark, next } from "./free-list";
import { forgetKept, learnHome, learnTaken, learntCarve, learntMagazine } from "./learner";
import * as platform from "./platform";
import { beginClaim, endClaim, forgetClaims, growPool, noteRelease, poolChanges } from "./pool";
import { adoptSlabs, countOf, drainPending, ownerOf, remoteWord, retireEmpty, sendHome, takeRemote } from "./remote";
import { purgeExcess } from "./retention";
import { recountKept } from "./runs";
import { CLASS_END, CLASS_FIRST, CLASS_MEDIUM, classSize } from "./size-class";
import { carve, hasRoom, newSlab, putFree, takeFree, takenCount, unqueue } from "./slab";
import { Slab, slabOf } from "./superslab";
import {
  ABANDONED,
  ADOPTING,
  FREE,
  LAST_FLUSH,
  LAST_REFILL,
  LIVE,
  STATE_BITS,
  STATE_MASK,
  abandonTaken,
  begin,
  classHeap,
  countAbandoned,
  current,
  enter,
  idOf,
  isOwn,
  leastMagazine,
  leave,
  mostMagazine,
  moveOn,
  pendingOf,
  quit,
  stateOf,
  takeHeap,
  threadHeap,
  unended,
} from "./thread";
import { see } from "./view";

/** The cache is emptied when this fraction of memory has been sent home. */
const FREED_FRACTION_SHIFT: usize = 3;

/** Bytes that are carved at once, as many as a page of most systems. */
const CARVE_BYTES: usize = 4096;

/** Makes the spare magazine of `cls` the active one, whose bin is empty, and takes a block from it; 0 when there is none. */
export function useSpare(heap: usize, cls: u32): usize {
  const record = classHeap(heap, cls);
  const list = record.spare;
  if (!list) return 0;
  record.spare = 0;
  platform.order();
  return activate(heap, cls, list, record.spareCount);
}

/** Makes a list of `count` blocks the active magazine, all but the first, which is returned. */
function activate(heap: usize, cls: u32, list: usize, count: u32): usize {
  const bin = binOf(heap, cls);
  const record = classHeap(heap, cls);
  const limit = max(record.magazine, count);
  record.limit = limit;
  setBinRoom(bin, limit - count + 1);
  platform.order();
  setBinHead(bin, next(list));
  return list;
}

/**
 * Fills the empty bin of `cls` from a slab and takes a block from it.
 * @returns 0 when there is no memory
 */
export function refill(cls: u32): usize {
  let heap = enter();
  if (!HK_NATIVE && threadHeap(heap).fresh) heap = inherit(heap);
  const record = classHeap(heap, cls);
  // A heap that was taken over may have blocks at hand.
  let list = binHead(binOf(heap, cls));
  let count = record.limit - binRoom(binOf(heap, cls));
  if (!list) {
    lengthen(heap, cls);
    drainPending(heap);
    const slab = slabWithRoom(heap, cls);
    if (slab) {
      purgeExcess();
      countOfClass(cls, REFILLS, 1);
      if (HK_LEARNER && slab.used == 0) forgetKept(heap, cls, false);
      list = slab.free ? takeFree(slab, record.magazine) : carve(slab, min(record.magazine, carveMax(heap, cls)));
      count = takenCount;
      if (HK_LEARNER) learnTaken(heap, cls, count);
      platform.order();
    }
  }
  if (list) activate(heap, cls, list, count);
  leave(heap);
  return list;
}

/** Nothing of `cls` is left in the cache of `heap`, this thread's: its magazines should be longer. */
export function lengthen(heap: usize, cls: u32): void {
  const record = classHeap(heap, cls);
  record.magazine = min(
    HK_LEARNER ? learntMagazine(heap, cls, record.magazine, carveMax(heap, cls)) : record.magazine << 1,
    mostMagazine(record),
  );
  record.last = LAST_REFILL;
}

/** Blocks that are carved at once: carving touches memory, which a system counts as used from then on. */
// @ts-ignore: decorator
@inline
function carveMax(heap: usize, cls: u32): u32 {
  const usual = max<u32>(1, <u32>(CARVE_BYTES / classSize(cls)));
  return HK_LEARNER ? learntCarve(heap, cls, usual) : usual;
}

/**
 * Puts a block of a class whose magazines are both full back into its slab, if that is `heap`'s, this thread's. Mostly it is no operation: a
 * jump out of it loses a block.
 * @returns whether it did
 */
// @ts-ignore: decorator
@inline
export function putBack(heap: usize, cls: u32, block: usize): bool {
  const slab = slabOf(block);
  if (ownerOf(slab) != heap || !classHeap(heap, cls).spare) return false;
  // Of the last block that is not in `remote` nobody else would notice that the slab is empty: blocks that come to `remote` later say so.
  const isPlain = slab.queued && slab.used > 1 + countOf(remoteWord(slab));
  // An operation begins only where none is broken (`ready`).
  if (HK_NATIVE && !isPlain && unended()) return false;
  mark(block);
  if (isPlain) {
    if (HK_STATISTICS) countOfClass(cls, SENT_HOME, 1);
    if (HK_LEARNER) learnHome(heap, cls, 1);
    putFree(slab, block, block, 1);
  } else sendOver(cls, block);
  return true;
}

/** Makes room in the full bin of `cls`. */
export function overflow(cls: u32): void {
  const record = classHeap(current(), cls);
  if (record.spare) sendOver(cls, 0);
  const bin = binOf(current(), cls);
  const full = binHead(bin);
  setBinHead(bin, 0);
  platform.order();
  record.spare = full;
  record.spareCount = record.limit;
  record.limit = record.magazine;
  setBinRoom(bin, record.magazine);
}

/** Sends what is too much home: `block`, by which its slab gets room or becomes empty, or when it is 0 the spare magazine of `cls`. */
function sendOver(cls: u32, block: usize): void {
  const heap = enter();
  const thread = threadHeap(heap);
  const record = classHeap(heap, cls);
  if (block) {
    link(block, 0);
    platform.order();
    thread.homeward = block;
    thread.homeBytes += PAGE_SIZE / 2;
  } else {
    thread.homeward = record.spare;
    platform.order();
    record.spare = 0;
    thread.homeBytes += <usize>record.spareCount * classSize(cls);
  }
  if (record.last == LAST_FLUSH) record.magazine = max(record.magazine >> 1, leastMagazine(record));
  record.last = LAST_FLUSH;
  platform.order();
  sendHome(heap);
  purgeExcess();
  leave(heap);
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
  let since: u32 = 0;
  let tries: u32 = 0;
  while (true) {
    if (!collected) since = poolChanges();
    const front = frontSlab(heap, cls);
    if (front) return front;
    if (adoptAbandoned(heap)) continue;
    if (mostlyFreed(heap)) {
      trimHeap(heap, 0);
      continue;
    }
    const fresh = newSlab(heap, cls);
    if (fresh) return fresh;
    // Before memory grows, what lies about in this thread goes home.
    if (!collected) {
      collected = true;
      collectFor(heap, 0);
    } else if (growPool(1, since, tries++)) collected = false;
    else return null;
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

/**
 * Makes everything idle that this thread can reach available: its own, and what exited threads left.
 * @param keep bytes of cached blocks that stay cached, of the smallest
 * @returns what is left of `keep`
 */
export function collect(keep: usize): usize {
  const heap = enter();
  keep = collectFor(heap, keep);
  leave(heap);
  return keep;
}

function collectFor(heap: usize, keep: usize): usize {
  while (adoptAbandoned(heap)) {}
  return trimHeap(heap, keep);
}

/**
 * Sends home the blocks that `heap` caches, but for `keep` bytes, and releases every slab of it that is empty then.
 * @returns what is left of `keep`
 */
function trimHeap(heap: usize, keep: usize): usize {
  threadHeap(heap).homeBytes = 0;
  keep = flushBins(heap, keep);
  forwardStray(heap);
  drainPending(heap);
  for (let cls = CLASS_FIRST; cls < CLASS_MEDIUM; ++cls) retireEmpty(heap, cls);
  return keep;
}

/**
 * Empties the bins and the spare magazines of `heap`, which is in order where some are to stay.
 * @param keep bytes of blocks that stay at most: whole magazines, those of the smallest classes first
 * @returns what is left of `keep`
 */
function flushBins(heap: usize, keep: usize): usize {
  const thread = threadHeap(heap);
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    const bin = binOf(heap, cls);
    const record = classHeap(heap, cls);
    const active = keep ? <usize>(record.limit - binRoom(bin)) * classSize(cls) : usize.MAX_VALUE;
    if (active <= keep) {
      keep -= active;
    } else {
      thread.homeward = binHead(bin);
      platform.order();
      setBinHead(bin, 0);
      setBinRoom(bin, 0);
      record.limit = 0;
      platform.order();
      flushHomeward(heap);
    }
    const spare = keep && record.spare ? <usize>record.spareCount * classSize(cls) : 0;
    if (spare && spare <= keep) {
      keep -= spare;
      continue;
    }
    thread.homeward = record.spare;
    platform.order();
    record.spare = 0;
    record.spareCount = 0;
    platform.order();
    flushHomeward(heap);
  }
  return keep;
}

function flushHomeward(heap: usize): void {
  if (threadHeap(heap).homeward) noteRelease();
  sendHome(heap);
}

/** Slabs that were reported to a heap that nobody uses any more are reported to their owners. `heap` is the caller's. */
function forwardStray(heap: usize): void {
  for (let from = see(firstHeap()); from; from = see(nextHeap(from))) {
    if (atomicLoad<usize>(pendingOf(from)) == 0) continue;
    const state = atomicLoad<u32>(stateOf(from));
    if ((state & STATE_MASK) != FREE) continue;
    // An empty slab is in nobody's reach on the way.
    beginClaim();
    const taken = atomicCas<u32>(stateOf(from), state, adopting(heap));
    if (taken) {
      drainPending(from);
      atomicStore<u32>(stateOf(from), FREE);
    }
    endClaim(taken);
  }
}

/** The state of a heap that is being adopted by the thread of `heap`: names it, so that its own death frees both. */
function adopting(heap: usize): u32 {
  return (idOf(heap) << STATE_BITS) | ADOPTING;
}

/** Takes the slabs of a thread that is gone, if there is one; true when it did. */
function adoptAbandoned(heap: usize): bool {
  const from = takeHeap(ABANDONED, idOf(heap), ADOPTING);
  if (from == 0) return false;
  const thread = threadHeap(from);
  const broken = thread.busy != 0;
  thread.busy = 1;
  platform.order();
  if (broken) mend(from);
  else flushBins(from, 0);
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    classHeap(from, cls).first = null;
    classHeap(from, cls).back = null;
  }
  adoptSlabs(heap, from, false);
  drainPending(from);
  thread.busy = 0;
  atomicStore<u32>(stateOf(from), FREE);
  endClaim(true);
  return true;
}

/**
 * Takes the heap of a thread that is gone, whole, for a new thread that has no slabs yet, in the middle of an operation.
 * On wasm not when the thread begins: a host can report the death only of a thread whose id it has been told.
 * @returns the heap that the operation goes on with
 */
function inherit(heap: usize): usize {
  const from = takeHeap(ABANDONED, idOf(heap), LIVE);
  if (from == 0) return heap;
  flushBins(heap, 0);
  const broken = threadHeap(from).busy != 0;
  moveOn(heap, from);
  atomicStore<u32>(stateOf(heap), FREE);
  if (broken) mend(from);
  endClaim(true);
  return from;
}

/** Native: begins with `heap`, or with one that another thread has left. */
export function start(heap: usize): void {
  begin(heap);
  leave(inherit(heap));
}

/**
 * Puts a heap in order whose last operation never ended, as far as this thread has it to itself. Its queues and its
 * counts of free blocks are made anew, and all that it caches goes home.
 */
export function mend(heap: usize): void {
  const thread = threadHeap(heap);
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    const bin = binOf(heap, cls);
    const record = classHeap(heap, cls);
    record.first = null;
    record.back = null;
    // A list that was about to go home can still be where it was.
    if (record.spare == thread.homeward) record.spare = 0;
    if (binHead(bin) == thread.homeward) setBinHead(bin, 0);
  }
  adoptSlabs(heap, heap, true);
  sendHome(heap);
  flushBins(heap, 0);
  drainPending(heap);
}

/** Mends this thread's own heap, of an operation that will never end and is forgotten, and goes on with it. */
export function resume(heap: usize): void {
  begin(heap);
  abandonTaken(heap);
  mend(heap);
  leave(heap);
}

/**
 * Leaves the heap of a thread that will never run again, and what it was taking over, to whoever needs memory next. The
 * caller must be certain that it is dead.
 * @param id the thread's id; 0 for every thread but the caller
 * @returns false when no thread `id` other than the caller has a heap
 */
export function reclaimThread(id: u32): bool {
  let found = false;
  // After a fork all others are dead, and with them whoever was in a claim.
  if (HK_NATIVE && id == 0 && !unended()) {
    forgetClaims();
    recountKept();
  }
  for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) {
    const state = atomicLoad<u32>(stateOf(heap));
    const owned = (state & STATE_MASK) == LIVE || (state & STATE_MASK) == ADOPTING;
    if (!owned || isOwn(heap) || (id != 0 && state >> STATE_BITS != id)) continue;
    countAbandoned(1);
    if (atomicCas<u32>(stateOf(heap), state, ABANDONED)) found = true;
    else countAbandoned(-1);
  }
  return found;
}

/** Sends everything in this thread's cache home and leaves its slabs to whoever needs them next. */
export function exit(): void {
  const heap = enter();
  trimHeap(heap, 0);
  quit(heap);
}

/** Lets the magazines of `cls` hold `count` blocks, as far as the profile and the number of threads allow; returns how many that is. */
export function widen(cls: u32, count: usize): u32 {
  const record = classHeap(current(), cls);
  const most = <u32>min<usize>(count, mostMagazine(record));
  record.magazine = max(record.magazine, most);
  return most;
}

/** Blocks in the bin of `cls`. */
export function activeBlocks(cls: u32): u32 {
  return classHeap(current(), cls).limit - binRoom(binOf(current(), cls));
}
