/**
 * How much of a shared memory this instance can see.
 *
 * When another thread has grown the memory, V8 goes on comparing the addresses of memory.fill and memory.copy, and where it
 * has no guard pages those of every access, with the size that this thread's code has read before; a thread that stays
 * inside WebAssembly may never learn of the growth, and traps. Growing by nothing renews the size, for the instances of all
 * modules on the memory in this thread (and `heap.ts` of the library does the same for JavaScript's views).
 *
 * So every address that comes from where other threads write is looked at here before it is used or handed out. It is one
 * comparison with a global; where memory is private, or is the process's, nothing is compiled.
 */

import * as platform from "./platform";

const VIEWS: bool = HK_SHARED && !HK_NATIVE;

/** This instance can see all below it. */
let seen: usize = 0;

/** True when `address` lies in memory that this instance may not see yet. */
// @ts-ignore: decorator
@inline
export function unseen(address: usize): bool {
  return VIEWS && address >= seen;
}

/** Makes sure that this instance sees `address`, and returns it. */
// @ts-ignore: decorator
@inline
export function see(address: usize): usize {
  if (VIEWS) look(address);
  return address;
}

function look(address: usize): void {
  if (address >= seen) seen = platform.renew();
}
