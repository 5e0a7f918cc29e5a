/**
 * An allocator that hands memory out from front to back, never twice, and is right but for one thing: the fault whose number is
 * in the word at MODE. Blocks that are freed are only counted.
 *
 *   block ─► preceded by 16 bytes: its size
 */

/** Where the test writes which fault it wants; 0 is none. */
const MODE: usize = 1024;
/** Bytes in live blocks, for all instances. */
const LIVE_BYTES: usize = 1032;
/** The call of `malloc` that goes wrong, where one does. */
const WHEN: u32 = 3000;

const TWICE: u32 = 1;
const OVERLAPPING: u32 = 2;
const NOT_COPIED: u32 = 3;
const NOT_CLEARED: u32 = 4;
const NOT_ALIGNED: u32 = 5;
const REFUSED: u32 = 6;
const TOO_SMALL: u32 = 7;
const SCRIBBLES: u32 = 8;
const ELSEWHERE: u32 = 9;
const LEAKS: u32 = 10;
const MOVES_BACK: u32 = 11;

const HEADER: usize = 16;
const COMMITTED: u32 = 0;
const LIVE: u32 = 1;
const THREADS: u32 = 3;
const FREE_PAGES: u32 = 4;

let top: usize = 0;
let calls: u32 = 0;
let last: usize = 0;
let done: bool = false;

function is(mode: u32): bool {
  return load<u32>(MODE) == mode;
}

function take(align: usize, size: usize): usize {
  if (!top) top = (<usize>memory.size()) << 16;
  const block = (top + HEADER + align - 1) & ~(align - 1);
  const end = block + ((size + 15) & ~15) + HEADER;
  const pages = <i32>((end + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) == -1) return 0;
  top = end;
  store<usize>(LIVE_BYTES, load<usize>(LIVE_BYTES) + size);
  store<usize>(block - HEADER, size);
  return block;
}

export function malloc(size: usize): usize {
  // A block that is too short to reach into another would be right.
  if (++calls >= WHEN && !done && size > 32) {
    done = true;
    if (is(TWICE)) return last;
    if (is(OVERLAPPING)) return last - 16;
    if (is(REFUSED)) return 0;
    if (is(SCRIBBLES)) store<u8>(last, ~load<u8>(last));
    if (is(ELSEWHERE)) return 4096;
  }
  last = take(16, size);
  return last;
}

export function calloc(count: usize, size: usize): usize {
  const block = take(16, count * size);
  if (is(NOT_CLEARED) && count * size) store<u8>(block + count * size - 1, 1);
  return block;
}

export function realloc(block: usize, size: usize): usize {
  const moved = take(16, size);
  if (!block || !moved) return moved;
  const old = malloc_usable_size(block);
  if (!is(NOT_COPIED)) memory.copy(moved, block, min(old, size));
  free(block);
  return is(MOVES_BACK) ? last : moved;
}

export function reallocarray(block: usize, count: usize, size: usize): usize {
  return realloc(block, count * size);
}

export function memalign(align: usize, size: usize): usize {
  const block = take(max<usize>(align, 16), size + 16);
  return is(NOT_ALIGNED) ? block + 16 : block;
}

export function aligned_alloc(align: usize, size: usize): usize {
  return memalign(align, size);
}

export function posix_memalign(out: usize, align: usize, size: usize): i32 {
  const block = memalign(align, size);
  if (!block) return 12;
  store<usize>(out, block);
  return 0;
}

export function free(block: usize): void {
  if (!is(LEAKS)) store<usize>(LIVE_BYTES, load<usize>(LIVE_BYTES) - load<usize>(block - HEADER));
}

export function free_sized(block: usize, size: usize): void {
  free(block);
}

export function free_aligned_sized(block: usize, align: usize, size: usize): void {
  free(block);
}

export function malloc_usable_size(block: usize): usize {
  const size = load<usize>(block - HEADER);
  return is(TOO_SMALL) ? size >> 1 : size;
}

export function malloc_trim(pad: usize): i32 {
  return 1;
}

export function malloc_prewarm(size: usize, count: usize): usize {
  return 0;
}

export function heap_stat(what: u32): usize {
  if (what == LIVE) return load<usize>(LIVE_BYTES);
  if (what == THREADS) return 1;
  return what == COMMITTED || what == FREE_PAGES ? top : 0;
}

export function thread_init(control: usize): usize {
  return 1;
}

export function thread_exit(): void {}
