/**
 * A thread's heap: its cache bins, its queues of slabs, its life, and the operation that it is in.
 *
 *   current ─► ┌───────────────────────────┐
 *              │ ThreadHeap                │  state, id, pending slabs
 *              ├───────────────────────────┤
 *              │ ClassHeap × classes       │  cold: spare magazine, sizes, queue of slabs
 *              ├───────────────────────────┤
 *              │ Bin × CLASS_END     bin.ts│  hot (on native the bins come first)
 *              └───────────────────────────┘
 *
 * Thread heaps are made once, linked into the heap's list and reused for ever (of a private heap until all is freed at once), so an
 * address of one never dangles.
 *
 *   FREE ──init──► LIVE ──exit, death──► ABANDONED ──► ADOPTING ──► FREE     a live thread takes its slabs,
 *                   ▲                        │  ▲          │                 or a new one the whole heap
 *                   └─────────takeOver───────┘  └──death───┘
 *
 * Everything but `state`, `pending`, the gate and the next heap belongs to the thread that made the last transition to LIVE or ADOPTING.
 *
 * Operations. What takes more than the few instructions of a fast path is done between `enter` and `leave`, and
 * meanwhile the thread has the heap of nobody, whose bins are empty. An operation may never end: its thread dies, a signal
 * handler jumps out of it, a stack overflow throws it away, another thread forks. Then `busy` stays set, and the next who
 * uses the heap mends it first (thread-cache.ts). So a heap that is not busy is in order, whatever happened to its thread.
 */

import { atomicAdd, atomicCas, atomicLoad, atomicStore } from "./atomic";
import { BINS_BYTES, BINS_OFFSET, NEXT_OFFSET, NOWHERE, binOf, binRoom, setBinInverse } from "./bin";
import { Control, control, firstHeap, nextHeap, nothing } from "./control";
import { MIN_ALIGN, WORD } from "./config";
import * as native from "./platform/native";
import * as platform from "./platform";
import { beginClaim, endClaim } from "./pool";
import { CLASS_END, CLASS_FIRST, CLASS_MEDIUM, classSize } from "./size-class";
import { Slab, allocateMetadata } from "./superslab";
import { closeGate, see, seeAll } from "./view";

@unmanaged
export class ClassHeap {
  /** A second magazine, whole: swapped with the active one so that a class used to and fro meets no slab. */
  spare: usize;
  spareCount: u32;
  /** Blocks in the active magazine plus the bin's room. */
  limit: u32;
  /** Blocks that a magazine should hold: half of the class's capacity, adapted to demand. */
  magazine: u32;
  /** Blocks that a magazine may hold at most where threads are few: half of the profile's bounds in blocks and bytes. */
  magazineMax: u32;
  /** What came last, REFILL or FLUSH: the two in turn mean that the magazines are too small. */
  last: u32;
  /** Slabs of this class that may have room: taken from the front, added at the back. */
  first: Slab | null;
  back: Slab | null;
}

export const LAST_REFILL: u32 = 0;
export const LAST_FLUSH: u32 = 1;

@unmanaged
export class ThreadHeap {
  /** Atomic: id << STATE_BITS | state. */
  state: u32;
  /** 1 while the heap has never had a slab: then it can be given up for an abandoned one whole. */
  fresh: u32;
  /** Atomic: stack of slabs that got their first block from another thread since they were last looked at. */
  pending: usize;
  /** Blocks on their way home, linked: whoever mends the heap takes them on. */
  homeward: usize;
  /** Bytes of the blocks that this thread's cache has sent home since it was last emptied. */
  homeBytes: usize;
  /**
   * Native: where the frame of the operation lies on the stack, and the heap of the operation that a signal handler interrupted
   * before this one began; 0 when none. It is this very heap when the handler came in the first steps of `enter`, or in
   * the last of `leave`.
   */
  frame: usize;
  under: usize;
  /** 1 while an operation is under way: other threads read it when the thread is gone. */
  busy: u32;
}

/** Builds with a learner: what it knows of a class (learner.ts). */
@unmanaged
export class Learnt {
  /** In this window: events, blocks taken from slabs and home again, slabs made and given back, thousandths of these that had been used. */
  events: u32;
  taken: u32;
  home: u32;
  made: u32;
  retired: u32;
  used: u32;
  /** Averages, in thousandths. */
  retireRatio: u32;
  freeHits: u32;
  utilisation: u32;
  /** Empty slabs that were kept and have not been used since; an estimate. */
  kept: u32;
}

/** An average, in thousandths, that is neither high nor low. */
const UNKNOWN: u32 = 500;

/** Least blocks of a magazine, where bytes do not bound it to fewer. */
const MAGAZINE_LEAST: u32 = HK_CACHE_MIN > 2 ? HK_CACHE_MIN / 2 : 1;
const MAGAZINE_MOST: u32 = HK_CACHE_MAX > 2 ? HK_CACHE_MAX / 2 : 1;

const CLASS_BYTES: usize = offsetof<ClassHeap>();
/** What follows is aligned as its fields are. */
const HEAD_BYTES: usize = (offsetof<ThreadHeap>() + (WORD - 1)) & ~(WORD - 1);
const RECORDS_BYTES: usize = HEAD_BYTES + <usize>(CLASS_END - CLASS_FIRST) * CLASS_BYTES;
/** Where bins do not come first they lie at a fixed offset, which must leave room for the rest. */
const THREAD_OFFSET: usize = BINS_OFFSET == 0 ? BINS_BYTES : 0;
const CLASSES_OFFSET: usize = THREAD_OFFSET + HEAD_BYTES;
const THREAD_BYTES: usize =
  ((BINS_OFFSET == 0 ? RECORDS_BYTES : BINS_OFFSET) + BINS_BYTES + (MIN_ALIGN - 1)) & ~(MIN_ALIGN - 1);

/** Builds with statistics: counts of each class, which the thread alone writes, and others read for figures. */
const COUNTS_SHIFT: usize = 5;
const COUNTS_BYTES: usize = HK_STATISTICS ? (<usize>CLASS_END) << COUNTS_SHIFT : 0;
const LEARNT_BYTES: usize = HK_LEARNER ? <usize>(CLASS_END - CLASS_FIRST) * offsetof<Learnt>() : 0;
/** Calls that got a block, bytes that they asked for, and blocks that were freed. */
export const ALLOCATED: u32 = 0;
export const REQUESTED: u32 = 1;
export const FREED: u32 = 2;

export const STATE_BITS: u32 = 2;
export const STATE_MASK: u32 = (1 << STATE_BITS) - 1;
export const FREE: u32 = 0;
export const LIVE: u32 = 1;
export const ABANDONED: u32 = 2;
export const ADOPTING: u32 = 3;

let own: usize = NOWHERE;
let ownWorking: usize = 0;

/**
 * This thread's heap. The instance is the thread; on native, thread-local storage is, and starts as the heap of nobody.
 */
// @ts-ignore: decorator
@inline
export function current(): usize {
  return HK_NATIVE ? native.heap() : own;
}

export function setCurrent(heap: usize): void {
  if (HK_NATIVE) native.setHeap(heap);
  else own = heap;
}

/** The heap of this thread's innermost operation that has not ended, and may never end; 0 when there is none. */
// @ts-ignore: decorator
@inline
export function unended(): usize {
  return HK_NATIVE ? native.working() : ownWorking;
}

/** Notes that an operation on `heap` is under way, where its frame is, and on which heap there is one that this interrupts. */
// @ts-ignore: decorator
@inline
function note(heap: usize, under: usize, frame: usize): void {
  if (HK_NATIVE) {
    threadHeap(heap).under = under;
    // Of two on the same heap the frame of the one that was interrupted counts: it ends later.
    if (under != heap) threadHeap(heap).frame = frame;
    platform.order();
    native.setWorking(heap);
  } else {
    ownWorking = heap;
  }
  platform.order();
}

/**
 * Begins an operation on this thread's heap, which must have one that is in order (lifecycle.ts: `ready`). Until `leave`
 * the thread has the heap of nobody: a signal handler that allocates meanwhile gets a heap of its own.
 * @returns this thread's heap
 */
export function enter(): usize {
  const heap = current();
  const under = unended();
  const frame: usize = HK_NATIVE ? native.frame() : 0;
  note(heap, under, frame);
  // A handler that worked with the heap before it was noted has left its own frame there.
  while (HK_NATIVE && under != heap && threadHeap(heap).frame != frame) note(heap, under, frame);
  setCurrent(nothing());
  platform.order();
  // One that did so afterwards has left the heap itself as what is under it.
  if (HK_NATIVE) threadHeap(heap).under = under;
  threadHeap(heap).busy = 1;
  platform.order();
  return heap;
}

/** As `enter`, with a heap that is this thread's, need not be in order, and is not its current one. */
export function begin(heap: usize): void {
  note(heap, unended(), HK_NATIVE ? native.frame() : 0);
  // A handler that came before has got a heap of its own, which is nobody's now.
  const other = HK_NATIVE ? native.exchangeHeap(nothing()) : nothing();
  if (!HK_NATIVE) setCurrent(nothing());
  platform.order();
  threadHeap(heap).busy = 1;
  platform.order();
  if (HK_NATIVE && other != nothing()) abandon(other);
}

/** Lets the operation on `heap` go on with `other`, which this thread has taken over and which need not be in order. */
export function moveOn(heap: usize, other: usize): void {
  threadHeap(other).busy = 1;
  platform.order();
  note(other, HK_NATIVE ? threadHeap(heap).under : 0, HK_NATIVE ? threadHeap(heap).frame : 0);
  threadHeap(heap).busy = 0;
  platform.order();
}

/** Ends the operation on `heap`, which becomes this thread's. */
export function leave(heap: usize): void {
  const thread = threadHeap(heap);
  platform.order();
  thread.busy = 0;
  platform.order();
  if (HK_NATIVE) {
    const under = thread.under;
    platform.order();
    // What a handler got that interrupted this operation is nobody's now. One step, so that no other comes between.
    const other = native.exchangeHeap(heap);
    platform.order();
    native.setWorking(under);
    if (other != nothing()) abandon(other);
  } else {
    own = heap;
    ownWorking = 0;
  }
}

/** Ends the operation on `heap` and this thread's use of it: it is left to whoever needs it next. */
export function quit(heap: usize): void {
  platform.order();
  threadHeap(heap).busy = 0;
  platform.order();
  if (HK_NATIVE) {
    const other = native.exchangeHeap(nothing());
    if (other != nothing()) abandon(other);
    forget(heap);
    // The thread ends in a signal handler: what that interrupted ends here, too.
    for (let broken = unended(); broken; broken = unended()) {
      if (!forget(broken)) continue;
      abandonTaken(broken);
      abandon(broken);
    }
  } else {
    own = NOWHERE;
    ownWorking = 0;
  }
  abandon(heap);
}

/** Begins a restart: until it ends there is no heap, and what has no heap finds that a restart did not end. Private heaps only. */
export function beginRestart(): void {
  own = nothing();
  ownWorking = nothing();
}

/** True when a restart began that has not ended. */
export function isRestarting(): bool {
  return own == nothing() && ownWorking == nothing();
}

/** Ends a restart with this thread's new heap. */
export function endRestart(heap: usize): void {
  own = heap;
  ownWorking = 0;
}

/** True when `heap` is this thread's, also while one of its operations is under way on it. */
export function isOwn(heap: usize): bool {
  if (heap == current() || heap == unended()) return true;
  if (!HK_NATIVE || !unended()) return false;
  for (let last = unended(), under = threadHeap(last).under; under && under != last; under = threadHeap(last).under) {
    if (under == heap) return true;
    last = under;
  }
  return false;
}

/** Native: true when the operation on `heap`, not ended, will never end; false when this is a handler that may return to it. */
export function isBroken(heap: usize): bool {
  return native.ended(threadHeap(heap).frame);
}

/** Native: takes the innermost operation out of those that have not ended; false when it is not, or no longer, on `heap`. */
export function forget(heap: usize): bool {
  const under = threadHeap(heap).under;
  return native.replaceWorking(heap, under == heap ? 0 : under);
}

/** Leaves a heap of this thread, with all that is in it, to whoever needs it next. */
export function abandon(heap: usize): void {
  countAbandoned(1);
  atomicStore<u32>(stateOf(heap), ABANDONED);
}

/** Leaves to others again what an operation on `heap` that never ended was about to take over, and what it took over from. */
export function abandonTaken(heap: usize): void {
  const id = idOf(heap);
  for (let other = see(firstHeap()); other; other = see(nextHeap(other))) {
    if (other != heap && idOf(other) == id) abandon(other);
  }
}

/** Keeps count of the heaps in state ABANDONED. It is raised before they are, and lowered after. */
export function countAbandoned(change: i32): void {
  atomicAdd<u32>(changetype<usize>(control) + offsetof<Control>("abandoned"), <u32>change);
}

/**
 * Takes a heap in state `from` for the thread with `id`, into the state `to`. One that was abandoned it takes in a claim, which
 * the caller ends when all is in order: empty slabs of the dead are in nobody's reach until they are in the pool.
 * @returns the heap; 0, and there is no claim, when there is none
 */
export function takeHeap(from: u32, id: u32, to: u32): usize {
  if (from == ABANDONED) {
    if (atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("abandoned")) == 0) return 0;
    beginClaim();
  }
  for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) {
    const state = atomicLoad<u32>(stateOf(heap));
    if ((state & STATE_MASK) != from || !atomicCas<u32>(stateOf(heap), state, (id << STATE_BITS) | to)) continue;
    if (from == ABANDONED) {
      countAbandoned(-1);
      // Its blocks can lie wherever its thread could see.
      seeAll();
    }
    // It was open for another instance.
    closeGate(heap);
    return heap;
  }
  if (from == ABANDONED) endClaim(false);
  return 0;
}

/** The id of the thread that has `heap`. */
export function idOf(heap: usize): u32 {
  return atomicLoad<u32>(stateOf(heap)) >> STATE_BITS;
}

// @ts-ignore: decorator
@inline
export function classHeap(heap: usize, cls: u32): ClassHeap {
  return changetype<ClassHeap>(heap + CLASSES_OFFSET + <usize>(cls - CLASS_FIRST) * CLASS_BYTES);
}

/** Blocks of `cls` that `heap` caches; an estimate while its thread goes on. */
export function cachedOf(heap: usize, cls: u32): u32 {
  const record = classHeap(heap, cls);
  const limit = record.limit;
  const room = binRoom(binOf(heap, cls));
  return (limit > room ? limit - room : 0) + (record.spare ? record.spareCount : 0);
}

// @ts-ignore: decorator
@inline
function countAt(heap: usize, cls: u32, what: u32): usize {
  return heap + THREAD_BYTES + ((<usize>cls) << COUNTS_SHIFT) + ((<usize>what) << 3);
}

/** A block of `cls` was handed to the thread of `heap`, which is one, for `size` bytes. */
// @ts-ignore: decorator
@inline
export function countAllocated(heap: usize, cls: u32, size: usize): void {
  if (!HK_STATISTICS) return;
  const at = countAt(heap, cls, ALLOCATED);
  store<u64>(at, load<u64>(at) + 1);
  store<u64>(at, load<u64>(at, REQUESTED << 3) + <u64>size, REQUESTED << 3);
}

/** `bytes` of what is about to be counted as asked for were not. */
export function uncountRequested(heap: usize, cls: u32, bytes: usize): void {
  const at = countAt(heap, cls, REQUESTED);
  store<u64>(at, load<u64>(at) - <u64>bytes);
}

/** A block of `cls` was freed by the thread of `heap`. */
// @ts-ignore: decorator
@inline
export function countFreed(heap: usize, cls: u32): void {
  if (!HK_STATISTICS) return;
  const at = countAt(heap, cls, FREED);
  store<u64>(at, load<u64>(at) + 1);
}

/** Builds with a learner: the heap's record of a class. */
// @ts-ignore: decorator
@inline
export function learnt(heap: usize, cls: u32): Learnt {
  return changetype<Learnt>(heap + THREAD_BYTES + COUNTS_BYTES + <usize>(cls - CLASS_FIRST) * offsetof<Learnt>());
}

/** What all threads have counted of a class. */
export function ownCounts(cls: u32, what: u32): u64 {
  let sum: u64 = 0;
  for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) sum += load<u64>(countAt(heap, cls, what));
  return sum;
}

// @ts-ignore: decorator
@inline
export function threadHeap(heap: usize): ThreadHeap {
  return changetype<ThreadHeap>(heap + THREAD_OFFSET);
}

/** Address of the atomic head of a thread heap's stack of pending slabs. */
// @ts-ignore: decorator
@inline
export function pendingOf(heap: usize): usize {
  return heap + THREAD_OFFSET + offsetof<ThreadHeap>("pending");
}

/** Address of a thread heap's atomic state. */
// @ts-ignore: decorator
@inline
export function stateOf(heap: usize): usize {
  return heap + THREAD_OFFSET + offsetof<ThreadHeap>("state");
}

/** An id that no thread of this heap has had (until 2^30 have been given). */
export function newThreadId(): u32 {
  const address = changetype<usize>(control) + offsetof<Control>("lastThreadId");
  const id = (atomicAdd<u32>(address, 1) + 1) & (u32.MAX_VALUE >> STATE_BITS);
  return id ? id : newThreadId();
}

/** So many threads, as a power of two, may each cache what the profile says. */
const FULL_SHARES_SHIFT: u32 = 4;

/**
 * The most that the magazines of a class should hold: half as much with each time that there are twice as many threads, which bounds what all
 * of them cache, and leave where nobody else can reach it when they do nothing more.
 */
export function mostMagazine(record: ClassHeap): u32 {
  if (!HK_SHARED) return record.magazineMax;
  const heaps = atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("heaps"));
  const halvings: u32 = 32 - clz<u32>(heaps >> FULL_SHARES_SHIFT);
  return max<u32>(1, record.magazineMax >> halvings);
}

/** The least that the magazines of a class should hold. */
export function leastMagazine(record: ClassHeap): u32 {
  return min(MAGAZINE_LEAST, mostMagazine(record));
}

/** Of a class nothing is known: then all is decided as in builds without a learner. */
function beginLearning(record: Learnt): void {
  record.retireRatio = UNKNOWN;
  record.freeHits = UNKNOWN;
  record.utilisation = UNKNOWN;
}

/** A thread heap in state LIVE under `id`, made of new memory; 0 when there is none. */
export function makeHeap(id: u32): usize {
  const heap = allocateMetadata(THREAD_BYTES + COUNTS_BYTES + LEARNT_BYTES);
  if (heap == 0) return 0;
  if (HK_SHARED) atomicAdd<u32>(changetype<usize>(control) + offsetof<Control>("heaps"), 1);
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    const byBytes = <u32>(<usize>(HK_CACHE_BYTES / 2) / classSize(cls));
    const record = classHeap(heap, cls);
    record.magazineMax = max<u32>(1, min(MAGAZINE_MOST, byBytes));
    record.magazine = leastMagazine(record);
    if (HK_LEARNER) beginLearning(learnt(heap, cls));
    if (HK_HARDENED && cls < CLASS_MEDIUM) setBinInverse(binOf(heap, cls), classSize(cls));
  }
  const thread = threadHeap(heap);
  thread.fresh = 1;
  thread.state = (id << STATE_BITS) | LIVE;
  const head = changetype<usize>(control) + offsetof<Control>("threads");
  closeGate(heap);
  let first: usize;
  do {
    first = atomicLoad<usize>(head);
    store<usize>(heap, first, NEXT_OFFSET);
  } while (!atomicCas<usize>(head, first, heap));
  return heap;
}
