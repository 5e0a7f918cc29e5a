/**
 * A thread's heap: its cache bins, its queues of slabs, and its life.
 *
 *   current ─► ┌───────────────────────────┐
 *              │ Bin × CLASS_END           │  hot: the only memory that malloc's and free's fast paths write;
 *              │   head, room              │  kinds that are not small have a bin without room
 *              ├───────────────────────────┤
 *              │ ClassHeap × CLASS_END     │  cold: spare magazine, sizes, queue of slabs
 *              ├───────────────────────────┤
 *              │ ThreadHeap                │  state, id, pending slabs
 *              ├───────────────────────────┤
 *              │ list × BIG_LISTS          │  cached large and huge blocks (big-cache.ts)
 *              └───────────────────────────┘
 *
 * Thread heaps are made once, linked into the heap's list and reused for ever, so an address of one never dangles.
 *
 *   FREE ──init──► LIVE ──exit──► ABANDONED ──init──► LIVE          a new thread takes the whole heap over,
 *                   │              ▲     └──► ADOPTING ──► FREE       or a live one its slabs
 *                   └──► ADOPTING ─┘                                  reclaim of a dead thread puts its heap in order
 *
 * Everything but `state`, `pending` and `next` belongs to the thread that made the last transition to LIVE or ADOPTING.
 */

import { atomicAdd, atomicCas, atomicLoad } from "./atomic";
import { Control, NOWHERE, control } from "./control";
import { MIN_ALIGN, WORD } from "./config";
import * as native from "./platform/native";
import { CLASS_END, CLASS_FIRST, classSize } from "./size-class";
import { Slab, allocateMetadata } from "./superslab";

/** A bin: head of the active magazine, and how many blocks may still be added to it. */
export const BIN_SHIFT: usize = WORD == 8 ? 4 : 3;
const BIN_ROOM: usize = WORD;

@unmanaged
export class ClassHeap {
  /** A second magazine, whole: swapped with the active one so that a class used to and fro meets no slab. */
  spare: usize;
  spareCount: u32;
  /** Blocks in the active magazine plus the bin's room. */
  limit: u32;
  /** Blocks that a magazine should hold: half of the class's capacity, adapted to demand. */
  magazine: u32;
  /** Blocks that a magazine may hold at most: half of the profile's bounds in blocks and bytes. */
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
  /** Written once: next of all thread heaps. */
  next: usize;
  /** Atomic: stack of slabs that got their first block from another thread since they were last looked at. */
  pending: usize;
  /** First of the pending slabs that are being looked at: a thread that dies at it leaves the rest to its adopter. */
  draining: usize;
  /** Bytes of the blocks that this thread's cache has sent home since it was last emptied. */
  homeBytes: usize;
  /** Bytes of the cached large and huge blocks. */
  bigBytes: usize;
  /** The list that gives up a block next when they are too many. */
  bigHand: u32;
}

/** Lists of cached large and huge blocks; big-cache.ts says of which sizes. */
export const BIG_LISTS: usize = 192;

const BINS_BYTES: usize = (<usize>CLASS_END) << BIN_SHIFT;
const CLASS_BYTES: usize = offsetof<ClassHeap>();
const THREAD_OFFSET: usize = (BINS_BYTES + <usize>CLASS_END * CLASS_BYTES + (MIN_ALIGN - 1)) & ~(MIN_ALIGN - 1);
const BIG_OFFSET: usize = (THREAD_OFFSET + offsetof<ThreadHeap>() + (MIN_ALIGN - 1)) & ~(MIN_ALIGN - 1);
/** A bit for each list tells whether it has blocks. */
const BIG_HEADS_OFFSET: usize = BIG_OFFSET + BIG_LISTS / 8;
const THREAD_BYTES: usize = BIG_HEADS_OFFSET + BIG_LISTS * WORD;

export const STATE_BITS: u32 = 2;
export const STATE_MASK: u32 = (1 << STATE_BITS) - 1;
export const FREE: u32 = 0;
export const LIVE: u32 = 1;
export const ABANDONED: u32 = 2;
export const ADOPTING: u32 = 3;

let own: usize = NOWHERE;

/**
 * This thread's heap: the address of its bins. The instance is the thread; on native, thread-local storage is, and
 * starts as the address of a block of zeros, whose bins have neither blocks nor room.
 */
// @ts-ignore: decorator
@inline
export function current(): usize {
  return HK_NATIVE ? native.heap : own;
}

export function setCurrent(heap: usize): void {
  if (HK_NATIVE) native.setHeap(heap);
  else own = heap;
}

/** Leaves this thread without a heap: on wasm every further access traps, on native the next call begins anew. */
export function stop(): void {
  setCurrent(HK_NATIVE ? native.empty() : NOWHERE);
}

/** True when this thread has a heap. */
// @ts-ignore: decorator
@inline
export function started(): bool {
  return current() != (HK_NATIVE ? native.empty() : NOWHERE);
}

// @ts-ignore: decorator
@inline
export function binOf(heap: usize, cls: u32): usize {
  return heap + ((<usize>cls) << BIN_SHIFT);
}

// @ts-ignore: decorator
@inline
export function binRoom(bin: usize): u32 {
  return load<u32>(bin, BIN_ROOM);
}

// @ts-ignore: decorator
@inline
export function setBinRoom(bin: usize, room: u32): void {
  store<u32>(bin, room, BIN_ROOM);
}

// @ts-ignore: decorator
@inline
export function classHeap(heap: usize, cls: u32): ClassHeap {
  return changetype<ClassHeap>(heap + BINS_BYTES + <usize>cls * CLASS_BYTES);
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

/** Address of the 64 bits that tell which of the lists from `list` & ~63 on have blocks. */
// @ts-ignore: decorator
@inline
export function bigBits(heap: usize, list: usize): usize {
  return heap + BIG_OFFSET + (list >> 6) * sizeof<u64>();
}

/** Address of the first block of a list of cached large or huge blocks. */
// @ts-ignore: decorator
@inline
export function bigHead(heap: usize, list: usize): usize {
  return heap + BIG_HEADS_OFFSET + list * WORD;
}

/** Address of a thread heap's atomic state. */
// @ts-ignore: decorator
@inline
export function stateOf(heap: usize): usize {
  return heap + THREAD_OFFSET + offsetof<ThreadHeap>("state");
}

/** First of all thread heaps; the next is `threadHeap(heap).next`. */
export function firstHeap(): usize {
  return atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("threads"));
}

/** The heap whose state is exactly `id` and `state`; 0 when there is none. */
export function findHeap(id: u32, state: u32): usize {
  for (let heap = firstHeap(); heap; heap = threadHeap(heap).next) {
    if (atomicLoad<u32>(stateOf(heap)) == ((id << STATE_BITS) | state)) return heap;
  }
  return 0;
}

/** An id that no thread of this heap has had (until 2^30 have been given). */
export function newThreadId(): u32 {
  const address = changetype<usize>(control) + offsetof<Control>("lastThreadId");
  const id = (atomicAdd<u32>(address, 1) + 1) & (u32.MAX_VALUE >> STATE_BITS);
  return id ? id : newThreadId();
}

/** A thread heap in state LIVE under `id`, made of new memory; 0 when there is none. */
export function makeHeap(id: u32): usize {
  const heap = allocateMetadata(THREAD_BYTES);
  if (heap == 0) return 0;
  const most: u32 = HK_CACHE_MAX / 2;
  const least: u32 = HK_CACHE_MIN / 2;
  for (let cls = CLASS_FIRST; cls < CLASS_END; ++cls) {
    const byBytes = <u32>(<usize>(HK_CACHE_BYTES / 2) / classSize(cls));
    const record = classHeap(heap, cls);
    record.magazineMax = max<u32>(1, min(most, byBytes));
    record.magazine = min(least, record.magazineMax);
  }
  const thread = threadHeap(heap);
  thread.state = (id << STATE_BITS) | LIVE;
  const head = changetype<usize>(control) + offsetof<Control>("threads");
  do {
    thread.next = atomicLoad<usize>(head);
  } while (!atomicCas<usize>(head, thread.next, heap));
  return heap;
}
