/** How a thread gets a heap and leaves it. */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { attach, attached, control, create, spareEnd, spareFirst } from "./control";
import { PAGE_SHIFT } from "./config";
import * as native from "./platform/native";
import { KIND_METADATA, KIND_METADATA_SPARE, setKind } from "./region";
import { countAbandoned, tidy } from "./thread-cache";
import {
  ABANDONED,
  FREE,
  LIVE,
  STATE_BITS,
  STATE_MASK,
  current,
  firstHeap,
  makeHeap,
  newThreadId,
  setCurrent,
  started,
  stateOf,
  stop,
  threadHeap,
} from "./thread";

/**
 * Gives this thread a heap; does nothing when it has one.
 * @param address control block of the heap to join; 0 makes a new one (native: joins the process's)
 * @returns address of the control block; 0 when there is no memory, or no heap of this configuration at `address`
 */
export function startThread(address: usize): usize {
  if (started()) return address == 0 || address == changetype<usize>(control) ? changetype<usize>(control) : 0;
  if (HK_NATIVE) {
    if (!attached() && !attachProcess()) return 0;
  } else if (address != 0) {
    if (!attach(address)) return 0;
  } else {
    if (!attach(create())) return 0;
    const page = changetype<usize>(control) >> PAGE_SHIFT;
    setKind(page, spareFirst - page, KIND_METADATA);
    setKind(spareFirst, spareEnd - spareFirst, KIND_METADATA_SPARE);
  }
  const heap = findIdle();
  if (heap == 0) return 0;
  setCurrent(heap);
  if (HK_NATIVE) native.started(threadId());
  return changetype<usize>(control);
}

/** Joins the process's heap, or makes it; of two threads that make it the first wins. */
function attachProcess(): bool {
  let address = native.control();
  if (address == 0) {
    address = create();
    if (address == 0) return false;
    address = native.publish(address);
  }
  return attach(address);
}

/** A heap for a new thread: an abandoned one with all that is in it, an unused one, or a new one. */
function findIdle(): usize {
  const id = newThreadId();
  for (let pass = 0; pass < 2; ++pass) {
    const wanted = pass == 0 ? ABANDONED : FREE;
    for (let heap = firstHeap(); heap; heap = threadHeap(heap).next) {
      const state = atomicLoad<u32>(stateOf(heap));
      if ((state & STATE_MASK) != wanted || !atomicCas<u32>(stateOf(heap), state, (id << STATE_BITS) | LIVE)) continue;
      if (wanted == ABANDONED) countAbandoned(-1);
      return heap;
    }
  }
  return makeHeap(id);
}

/** Sends everything in this thread's cache home and leaves its slabs to whoever needs them next. */
export function exitThread(): void {
  if (!started()) return;
  tidy();
  const heap = current();
  stop();
  atomicStore<u32>(stateOf(heap), ABANDONED);
  countAbandoned(1);
}

/** This thread's id: unique in its heap, from 1; 0 without a heap. */
export function threadId(): u32 {
  return started() ? atomicLoad<u32>(stateOf(current())) >> STATE_BITS : 0;
}
