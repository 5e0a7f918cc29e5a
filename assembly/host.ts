/** What a host needs beside the malloc family: threads, figures, trimming. */

import { CACHED_MAX, CONFIG_HASH } from "./config";
import { hasHeap } from "./control";
import { link, next } from "./free-list";
import { STAT_THREADS, class_stat, counter, heap_stat, page_bound, page_stat, retirement } from "./inspect";
import { classOfLarge, hugeAround, releaseJoined } from "./large";
import { exitThread, ready, restartThread, startThread, threadId } from "./lifecycle";
import { free, malloc } from "./malloc";
import { releases } from "./pool";
import {
  KIND_FOREIGN,
  KIND_HUGE,
  KIND_LARGE,
  KIND_METADATA,
  KIND_METADATA_SPARE,
  KIND_RELEASED,
  kindOf,
} from "./region";
import { pause, purgeBeyond, purgeLook } from "./retention";
import { releaseRuns } from "./runs";
import { CLASS_MEDIUM, classOf } from "./size-class";
import { activeBlocks, collect, reclaimThread, widen } from "./thread-cache";

export { class_stat, counter, heap_stat, page_bound, page_stat, retirement };

/**
 * Gives this instance's thread a heap: call once before anything else. See `startThread`.
 * @param control address of the heap's control block; 0 makes a new heap (native: joins the process's)
 * @returns that address; 0 when there is no memory; all ones when no heap of this configuration is there, or the thread
 *   is in another
 */
export function thread_init(control: usize): usize {
  return startThread(control);
}

/** Ends this thread's use of the heap; a later `thread_init` may begin another. */
export function thread_exit(): void {
  exitThread();
}

/** This thread's id, from 1; 0 without a heap. */
export function thread_id(): u32 {
  return threadId();
}

/**
 * Puts what a thread that was terminated has left in order, so that others can use it. The host must be certain that the
 * thread runs no more.
 * @param id its id; 0 for all threads but the caller, as in the child of a fork
 * @returns 1, or 0 when no thread `id` other than the caller has a heap: unknown, exited, or reclaimed before
 */
export function thread_reclaim(id: u32): i32 {
  return hasHeap() && reclaimThread(id) ? 1 : 0;
}

/**
 * Gives up what this thread keeps for later: its cache, slabs that are empty then, the pages that large blocks have left, and
 * where the platform takes memory back, all free pages.
 * @param pad bytes that stay at most: of cached blocks, whole magazines of the smallest first, and then of free pages
 * @returns 1 when memory went back, natively to the system, as in glibc, on wasm to the heap; otherwise 0
 */
export function malloc_trim(pad: usize): i32 {
  if (!ready()) return 0;
  const before = releases;
  const left = collect(pad);
  const kept = releaseRuns();
  const joined = releaseJoined();
  return (HK_VIRTUAL ? purgeBeyond(left) : kept || joined || releases != before) ? 1 : 0;
}

/**
 * Fills this thread's cache for blocks of `size` bytes, up to `count` blocks and the profile's bounds.
 * @returns blocks in the cache then; 0 for sizes that are not cached
 */
export function malloc_prewarm(size: usize, count: usize): usize {
  const x = size - 1;
  if (x >= CACHED_MAX || !ready()) return 0;
  const cls = classOf(x);
  let list: usize = 0;
  for (let missing = widen(cls, count); missing; --missing) {
    const block = malloc(size);
    // No memory, or none but for a block between large ones, which no bin takes.
    if (!block || (cls < CLASS_MEDIUM ? kindOf(block) : classOfLarge(block)) != cls) {
      free(block);
      break;
    }
    link(block, list);
    list = block;
  }
  while (list) {
    const block = list;
    list = next(list);
    free(block);
  }
  return <usize>activeBlocks(cls);
}

/**
 * Frees every block at once; what the heap has taken of the memory, it keeps. Private heaps only. Where the stack ends in it, the
 * next call that uses the heap finishes it.
 * @returns 1; 0 in a heap that threads can share, or that another instance has joined: of them nothing is freed
 */
export function free_all(): i32 {
  if (HK_NATIVE || !ready() || HK_SHARED || heap_stat(STAT_THREADS) != 1) return 0;
  restartThread();
  return 1;
}

/** What an address is: 0 foreign, 1 small, 2 medium or large, 3 huge, 4 the allocator's own. */
export function region_kind(address: usize): u32 {
  if (!hasHeap()) return 0;
  const kind = kindOf(address);
  if (kind == KIND_LARGE) return 2;
  if (kind == KIND_HUGE) return 3;
  if (kind == KIND_FOREIGN || kind == KIND_RELEASED) return hugeAround(address) ? 3 : 0;
  if (kind == KIND_METADATA || kind == KIND_METADATA_SPARE) return 4;
  return 1;
}

/** One look at what is idle, natively: see `purgeLook`. */
export function purge_look(): i32 {
  return purgeLook() ? 1 : 0;
}

/** Milliseconds between two looks. */
export function purge_pause(): u32 {
  return HK_VIRTUAL ? pause() : 0;
}

/** Identifies the configuration that all instances on one heap share. */
export function config_hash(): u32 {
  return CONFIG_HASH;
}
