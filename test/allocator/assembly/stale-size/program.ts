/**
 * A thread that stays inside WebAssembly and does as another one tells it through a box in memory: takes a block from the
 * allocator, and uses all of it with each instruction that compares addresses with the size of the memory. It waits in a loop
 * that calls nothing, where an engine has no occasion to tell it that the memory has grown.
 *
 *   box ─► turn, done, call, size, given, block, stage      u32 each; packages/tools/src/proof/stale-size/scene.ts has the same layout
 */

import {
  calloc,
  free,
  heap_check,
  heap_stat,
  malloc,
  malloc_prewarm,
  malloc_trim,
  memalign,
  realloc,
  thread_init,
} from "./allocator";

const TURN: usize = 0;
const DONE: usize = 4;
const CALL: usize = 8;
const SIZE: usize = 12;
const GIVEN: usize = 16;
const BLOCK: usize = 20;
const STAGE: usize = 24;

/** What is copied into blocks, and where a part of them is copied to. */
const SOURCE: usize = 8192;
const TARGET: usize = 16384;
const COPIED: usize = 4096;
const FILLED: u8 = 0xa5;
const STORED: u32 = 0x5a5a5a5a;

/** Calls; with LAST the thread returns to its host after it. */
const LAST: u32 = 256;
const MALLOC: u32 = 1;
const CALLOC: u32 = 2;
const REALLOC: u32 = 3;
const MEMALIGN: u32 = 4;
const FREE: u32 = 5;
const RECYCLE: u32 = 6;
const PREWARM: u32 = 7;
const JOIN: u32 = 8;
const TRIM: u32 = 9;
const CHECK: u32 = 10;
const FIGURES: u32 = 11;

/** Does what the box says, turn after turn. */
export function follow(box: usize): void {
  let turn = load<u32>(box, DONE);
  while (true) {
    ++turn;
    while (atomic.load<u32>(box, TURN) != turn) {}
    const call = load<u32>(box, CALL);
    const size = <usize>load<u32>(box, SIZE);
    const given = <usize>load<u32>(box, GIVEN);
    let block: usize = 0;
    store<u32>(box, 1, STAGE);
    switch (call & ~LAST) {
      case MALLOC:
        block = malloc(size);
        break;
      case CALLOC:
        block = calloc(1, size);
        break;
      case REALLOC:
        block = realloc(given, size);
        break;
      case MEMALIGN:
        block = memalign(256, size);
        break;
      case FREE:
        free(given);
        break;
      case RECYCLE:
        free(given);
        block = malloc(size);
        break;
      case PREWARM:
        malloc_prewarm(size, 8);
        block = malloc(size);
        break;
      case JOIN:
        if (thread_init(given)) block = malloc(size);
        break;
      case TRIM:
        malloc_trim(0);
        break;
      case CHECK:
        heap_check();
        break;
      case FIGURES:
        for (let what: u32 = 0; what < 6; ++what) heap_stat(what);
        break;
    }
    store<u32>(box, <u32>block, BLOCK);
    if (block) {
      const copied = min(size, COPIED);
      const tail = block + size - copied;
      store<u32>(box, 2, STAGE);
      if ((call & ~LAST) == CALLOC) {
        for (let at = block; at < block + size; ++at) if (load<u8>(at)) unreachable();
      }
      store<u32>(box, 3, STAGE);
      memory.fill(block, FILLED, size);
      store<u32>(box, 4, STAGE);
      memory.copy(block, SOURCE, copied);
      memory.copy(tail, SOURCE, copied);
      store<u32>(box, 5, STAGE);
      memory.copy(TARGET, tail, copied);
      store<u32>(box, 6, STAGE);
      for (let at = block; at + 4 <= block + size; at += 4096) store<u32>(at, STORED);
      store<u8>(block + size - 1, <u8>STORED);
      store<u32>(box, 7, STAGE);
      for (let at = block; at + 4 <= block + size; at += 4096) if (load<u32>(at) != STORED) unreachable();
    }
    store<u32>(box, 0, STAGE);
    atomic.store<u32>(box, turn, DONE);
    if (call & LAST) return;
  }
}
