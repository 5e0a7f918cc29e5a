/**
 * How much of a shared memory this instance can see.
 *
 * When another thread has grown the memory, V8 goes on comparing the addresses of memory.fill and memory.copy, and where it
 * has no guard pages those of every access, with the size that this thread's code has read before; a thread that stays
 * inside WebAssembly may never learn of the growth, and traps. Growing by nothing renews the size, for the instances of all
 * modules on the memory in this thread. (The library does the same for JavaScript's views, packages/hakmem/src/heap/views.ts.)
 *
 * So nothing is handed out, or touched, that the instance may not see. Every address that comes from where other threads
 * write is looked at first (`see`), which is one comparison with a global, off the hot path. And for the blocks that a
 * program has got from another thread and frees here, whoever grows the memory closes the gates of all threads (bin.ts)
 * before any block of it is handed out: the next `free` of each thread goes the slow way, where it opens its gate and then
 * renews its view. Opened first, because another may grow and close it in between.
 *
 * Where memory is private, or is the process's, nothing of this is compiled.
 */

import { atomicStore } from "./atomic";
import { GATES, GATE_OFFSET } from "./bin";
import { firstHeap, nextHeap, nothing } from "./control";
import * as platform from "./platform";

/** This instance can see all below it. */
let seen: usize = 0;

/** Makes sure that this instance sees `address`, and returns it. */
// @ts-ignore: decorator
@inline
export function see(address: usize): usize {
  return GATES ? look(address) : address;
}

function look(address: usize): usize {
  if (address >= seen) seen = platform.renew();
  return address;
}

/** Makes sure that this instance sees all that there is: for what has been another thread's and is all over the memory. */
export function seeAll(): void {
  if (GATES) seen = platform.renew();
}

/** Lets `heap`, this thread's, take what is freed, after making sure that this instance sees all that can be. */
export function openGate(heap: usize): void {
  if (!GATES) return;
  atomicStore<usize>(heap + GATE_OFFSET, heap);
  seeAll();
}

/** Keeps `free` from putting blocks into the bins of `heap` until its thread has made sure that it sees them. */
export function closeGate(heap: usize): void {
  if (GATES) atomicStore<usize>(heap + GATE_OFFSET, nothing());
}

/** Closes the gates of all threads: to be called when memory has grown, and before any of it can be handed out. */
export function closeGates(): void {
  if (!GATES) return;
  for (let heap = see(firstHeap()); heap; heap = see(nextHeap(heap))) closeGate(heap);
}
