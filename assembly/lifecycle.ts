/** How a thread gets a heap, keeps it in order, and leaves it. */

import { NOWHERE } from "./bin";
import { attach, attached, control, create, forgetAll, nothing } from "./control";
import { releaseJoined } from "./large";
import * as native from "./platform/native";
import { donateCreated, endClaim, isWorthRetrying, poolChanges, releaseAll } from "./pool";
import { exit, resume, start } from "./thread-cache";
import {
  ABANDONED,
  FREE,
  LIVE,
  abandon,
  abandonTaken,
  beginRestart,
  current,
  endRestart,
  forget,
  idOf,
  isBroken,
  isRestarting,
  makeHeap,
  newThreadId,
  setCurrent,
  takeHeap,
  threadHeap,
  unended,
} from "./thread";

/** What `startThread` says where there is no heap to join. */
export const NO_HEAP: usize = usize.MAX_VALUE;

/**
 * Gives this thread a heap; does nothing when it has one.
 * @param address control block of the heap to join; 0 makes a new one (native: joins the process's)
 * @returns address of the control block; 0 when there is no memory, NO_HEAP when no heap of this configuration is at
 *   `address`, or this thread is in another
 */
export function startThread(address: usize): usize {
  if (started()) return address == 0 || address == changetype<usize>(control) ? changetype<usize>(control) : NO_HEAP;
  if (HK_NATIVE ? !joinProcess() : address == 0 && !attach(create())) return 0;
  if (!HK_NATIVE && address != 0 && !attach(address)) return NO_HEAP;
  if (!HK_NATIVE && address == 0 && !donateCreated()) return 0;
  return takeAny() ? changetype<usize>(control) : 0;
}

/**
 * Frees every block and forgets all else but which memory there is, for the only thread of a private heap. It may end anywhere,
 * where the stack overflows; whatever this thread does next with the heap begins by doing all of this again (see `ready`).
 */
export function restartThread(): void {
  beginRestart();
  releaseAll();
  forgetAll();
  donateCreated();
  endRestart(makeHeap(newThreadId()));
}

/** True when this thread has a heap, be it in order or not. */
function started(): bool {
  return HK_NATIVE ? current() != native.empty() || unended() != 0 : current() != NOWHERE;
}

/** Makes sure that the process has a heap; of two threads that make it the first wins. */
export function joinProcess(): bool {
  if (attached()) return true;
  let address = native.control();
  if (address != 0) return attach(address);
  // Who loses has taken memory in vain, once in the life of a program.
  const made = create();
  if (made == 0) return false;
  address = native.publish(made);
  if (!attach(address)) return false;
  // Others may have found it before that: until it has these pages, they take others.
  return HK_VIRTUAL || made != address || donateCreated();
}

/**
 * Gives this thread a heap: on native one that a thread which is gone has left, an unused one, or a new one; false when there
 * is no memory for one. On wasm it takes what others have left when it first needs a slab: until the host knows its id, it
 * should have nothing to lose.
 */
function takeAny(): bool {
  const id = newThreadId();
  let tries: u32 = 0;
  while (true) {
    const since = poolChanges();
    let heap = takeHeap(FREE, id, LIVE);
    if (heap) threadHeap(heap).fresh = 1;
    else {
      heap = makeHeap(id);
      // Large blocks may have left pages.
      if (!heap && releaseJoined()) heap = makeHeap(id);
    }
    if (heap) {
      if (HK_NATIVE) start(heap);
      else setCurrent(heap);
      break;
    }
    // Where there is no memory, one that somebody has left must do; unless another thread is taking it over, which ends in one
    // that is unused.
    heap = takeHeap(ABANDONED, id, LIVE);
    if (heap) {
      resume(heap);
      endClaim(true);
      break;
    }
    if (!isWorthRetrying(since, tries++)) return false;
  }
  if (HK_NATIVE) native.started(id);
  return true;
}

/**
 * True when this thread has a heap in order: after giving it one, on native, and after mending the one it has when an
 * operation never ended. To be called before every operation; see thread.ts. On wasm it traps before `thread_init` and after `thread_exit`.
 */
// @ts-ignore: decorator
@inline
export function ready(): bool {
  prepare();
  return HK_NATIVE ? current() != nothing() : true;
}

function prepare(): void {
  if (!HK_NATIVE && current() == NOWHERE) unreachable();
  if (current() != nothing()) {
    if (HK_NATIVE && unended()) dropBroken();
  } else if (!HK_NATIVE) {
    // There is always one, and no operation is under it; and the stack may overflow at the next call.
    if (!HK_SHARED && isRestarting()) restartThread();
    else resume(unended());
  } else {
    const heap = unended();
    if (!heap || !isBroken(heap)) {
      if (joinProcess()) takeAny();
    } else if (forget(heap)) {
      dropBroken();
      resume(heap);
    } else {
      // A handler has, meanwhile.
      prepare();
    }
  }
}

/** Leaves to others the heaps of those operations that this thread has jumped out of. */
function dropBroken(): void {
  for (let heap = unended(); heap && isBroken(heap); heap = unended()) {
    if (!forget(heap)) continue;
    abandonTaken(heap);
    if (heap != current()) abandon(heap);
  }
}

/** Sends everything in this thread's cache home and leaves its slabs to whoever needs them next. */
export function exitThread(): void {
  if (started() && ready()) exit();
}

/** This thread's id: unique in its heap, from 1; 0 without a heap. */
export function threadId(): u32 {
  if (!HK_SHARED && !HK_NATIVE && isRestarting()) prepare();
  return started() ? idOf(current() != nothing() ? current() : unended()) : 0;
}
