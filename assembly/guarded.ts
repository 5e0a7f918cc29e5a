/** What a module of a guard build exports, in place of index.ts: the same names, behind checks, and some more. */

import { MAX_REQUEST } from "./config";
import { hasHeap } from "./control";
import * as guard from "./guard/family";
import { blockBeside, heldBytes, operation } from "./guard/ledger";
import { quarantined } from "./guard/quarantine";
import * as host from "./host";
import { STAT_CACHED, STAT_LIVE } from "./inspect";

export {
  aligned_alloc,
  calloc,
  free,
  free_aligned_sized,
  free_sized,
  malloc,
  malloc_usable_size,
  memalign,
  posix_memalign,
  realloc,
  reallocarray,
} from "./guard/family";
export {
  class_stat,
  config_hash,
  counter,
  free_all,
  page_bound,
  page_stat,
  purge_look,
  purge_pause,
  region_kind,
  retirement,
  thread_exit,
  thread_id,
  thread_init,
  thread_reclaim,
} from "./host";

/** As in host.ts; live are the bytes that were asked for, and cached also those in quarantine. */
export function heap_stat(what: u32): usize {
  const figure = host.heap_stat(what);
  if (!hasHeap()) return figure;
  return what == STAT_LIVE ? heldBytes() : what == STAT_CACHED ? figure + quarantined() : figure;
}

/** As in host.ts; blocks in quarantine go, too. */
export function malloc_trim(pad: usize): i32 {
  guard.guardFlush();
  return host.malloc_trim(pad);
}

/** As in host.ts, for blocks with what the checks put around them. */
export function malloc_prewarm(size: usize, count: usize): usize {
  return size > MAX_REQUEST ? 0 : host.malloc_prewarm(size + guard.AROUND, count);
}

/** Checks every block that the program holds, and every one in quarantine; reports the first that was written around. */
export function heap_check(): void {
  guard.guardCheck();
}

/** `operator new` and `new[]` (`maker` 1 and 2): as `memalign`, but to be freed by its own `delete`. */
export function guard_new(size: usize, align: usize, maker: u32): usize {
  return guard.guardNew(size, align, maker);
}

/** `operator delete` and `delete[]`; a size of all ones and an alignment of 0 are not given. */
export function guard_delete(pointer: usize, size: usize, align: usize, maker: u32): void {
  guard.guardFree(pointer, size, align, maker);
}

/** For reports: see `operation`, and `blockBeside`. */
export function guard_history(address: usize, back: u32, what: u32): u64 {
  return hasHeap() ? operation(address, back, what) : 0;
}

export function guard_block(address: usize, step: i32, what: u32): u64 {
  return hasHeap() ? blockBeside(address, step, what) : 0;
}
