/**
 * The memory manager of AssemblyScript's own programs: what its garbage collectors (rt/itcms, rt/tcms) and `heap` take blocks from,
 * in place of its TLSF. Single-threaded: a program in a shared memory calls the family of another module (docs/linking.md).
 *
 * A collector finds a block's usable bytes in the word before it, and what it puts first into a block ends at a multiple of 16. So a
 * block is one of malloc's less its first 16 bytes, of which the last word is that figure.
 */

import * as guarded from "./guard/family";
import { thread_init } from "./host";
import * as family from "./malloc";

const HEAD: usize = 16;
/** As TLSF's. */
const MAX_SIZE: usize = (1 << 30) - sizeof<usize>();
const TOO_LARGE: string = "allocation too large";

let isReady = false;

/** A block of `size` bytes at a multiple of 16; cleared with HK_CLEARED, else of any contents. Where memory is refused the program ends, as with TLSF. */
// @ts-ignore: decorator
@global
@unsafe
export function __alloc(size: usize): usize {
  if (size > MAX_SIZE) throw new Error(TOO_LARGE);
  if (!isReady) {
    thread_init(0);
    isReady = true;
  }
  const block = withHead(HK_GUARD ? guarded.malloc(size + HEAD) : family.malloc(size + HEAD));
  if (HK_CLEARED) memory.fill(block, 0, usableSize(block));
  return block;
}

/** The block's contents, as far as they fit, in a block of `size` bytes, which may be the same. Static data stays where it is. */
// @ts-ignore: decorator
@global
@unsafe
export function __realloc(ptr: usize, size: usize): usize {
  if (size > MAX_SIZE) throw new Error(TOO_LARGE);
  assert(ptr);
  if (ptr < __heap_base) {
    const moved = __alloc(size);
    // The word before static data has bits of a collector's in it.
    memory.copy(moved, ptr, min(size, usableSize(ptr) & ~3));
    return moved;
  }
  const old = usableSize(ptr);
  const block = ptr - HEAD;
  const moved = withHead(HK_GUARD ? guarded.realloc(block, size + HEAD) : family.realloc(block, size + HEAD));
  if (HK_CLEARED && usableSize(moved) > old) memory.fill(moved + old, 0, usableSize(moved) - old);
  return moved;
}

/** Frees a block; static data is never freed. */
// @ts-ignore: decorator
@global
@unsafe
export function __free(ptr: usize): void {
  if (ptr < __heap_base) return;
  if (HK_GUARD) guarded.free(ptr - HEAD);
  else family.free(ptr - HEAD);
}

function withHead(block: usize): usize {
  if (!block) unreachable();
  const usable = HK_GUARD ? guarded.malloc_usable_size(block) : family.malloc_usable_size(block);
  store<usize>(block + HEAD - sizeof<usize>(), usable - HEAD);
  return block + HEAD;
}

function usableSize(ptr: usize): usize {
  return load<usize>(ptr - sizeof<usize>());
}
