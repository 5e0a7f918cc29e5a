/**
 * A program for a soak: it allocates, resizes, hands over and frees at random, and checks every answer of the allocator.
 *
 * The same source runs in WebAssembly, merged with the allocator into one module, an instance a thread; and natively by way of
 * C over whatever malloc the process has. One step is about one call of the allocator. Read `step` first.
 *
 * What is checked: board.ts knows every block; claims.ts that no two overlap; contents.ts that each holds what was written to
 * it, when it changes hands, is resized, and goes; and here alignment, usable sizes, zeroes of `calloc`, what `realloc` keeps,
 * and that nothing is refused unless somebody exhausts memory.
 */

import { advance, draw, upper } from "../random";
import {
  aligned_alloc,
  calloc,
  free,
  free_aligned_sized,
  free_sized,
  heap_stat,
  malloc,
  malloc_prewarm,
  malloc_trim,
  malloc_usable_size,
  memalign,
  posix_memalign,
  realloc,
  reallocarray,
} from "./allocator";
import {
  MAILBOXES,
  Member,
  Record,
  beginBoard,
  beginPressure,
  endPressure,
  layOut,
  leftIn,
  memberOf,
  pressure,
  recordIn,
  slotCount,
  slotOf,
  trade,
  wasCalm,
} from "./board";
import { claim, firstClaimed, release, unitsOf } from "./claims";
import { keyOf, verify, verifyMoved, verifyZero, write } from "./contents";
import { MISALIGNED, REFUSED, UNUSABLE, WRONG_ANSWER, fail } from "./fault";
import { exhaustingSize, modestSize, ordinarySize } from "./sizes";

const MIN_ALIGN: usize = 16;

/** Most steps are about few slots, as programs are; the others' blocks grow old. A power of two. */
const HOT_SLOTS: u32 = 256;
/** Larger blocks than this are not handed over: nobody may hold more than its share. */
const HANDED_MAX: usize = 65536;
/** Blocks that a thread keeps when it stops exhausting memory are smaller than this. */
const KEPT_MAX: usize = 16384;
/** A request for more may find no room between what others hold; for less there must be some when nobody exhausts memory. */
const SURE_MAX: usize = 32768;

/** Larger blocks are not filled by one instruction, which takes as long as hundreds of steps. */
const FILLED_MAX: usize = 65536;

/** Steps between two times that a thread exhausts memory, on the average, and how many those take. */
const PRESSURE_EVERY: u32 = 1 << 23;
const PRESSURE_STEPS: u32 = 4096;
/** Blocks of one size that a thread allocates without freeing any, at most, and how large they are. */
const HOARD_MAX: u32 = 1 << 17;
const HOARD_SIZE: u32 = 2048;

let self: Member = changetype<Member>(<usize>0);
let index: u32 = 0;
/** Bytes that this thread may hold without exhausting memory. */
let budget: i64 = 0;
/** True while this thread exhausts memory. */
let pressing: bool = false;

/** Where this instance was told that everything is, and how much the threads may hold together. */
export function soak_board(arena: usize, count: u32, perThread: u32, from: usize, to: usize, mayHold: u32): usize {
  budget = <i64>(mayHold / max<u32>(count, 1));
  return beginBoard(arena, count, perThread, from, to);
}

/** Prepares the board: once, before there are threads. */
export function soak_lay_out(): void {
  layOut();
}

/** Makes this instance the program's thread `number`; `seed` counts the first time. */
export function soak_begin(number: u32, seed: u32): void {
  index = number;
  self = memberOf(number);
  pressing = false;
  if (self.begun) return;
  self.begun = 1;
  self.lastId = number << 24;
  let random = <u64>(seed + 1) * 0x9e3779b97f4a7c15 + <u64>(number + 1) * 0xbf58476d1ce4e5b9;
  for (let n = 0; n < 8; ++n) random = advance(random);
  self.random = random;
  // The first time comes early, so that a short run has one, too.
  self.nextPressure = <u64>upper(next(), PRESSURE_EVERY >> 6);
}

/** Goes on until this thread has had `goal` operations checked. */
export function soak_run(goal: u64): void {
  while (self.operations < goal) {
    if (self.operations >= self.nextPressure) exhaust();
    step(self.random & 31 ? HOT_SLOTS : slotCount, false);
  }
}

/** Frees all that this thread has. */
export function soak_finish(): void {
  for (let slot: u32 = 0; slot < slotCount; ++slot) drop(recordIn(slotOf(index, slot)));
}

/** Frees what nobody took out of the mailboxes; for one thread, after all others have ended. */
export function soak_drain(): void {
  for (let mailbox: u32 = 0; mailbox < MAILBOXES; ++mailbox) {
    self.held += <i64>leftIn(mailbox).size;
    drop(leftIn(mailbox));
  }
}

/** A figure of the program's thread `number`. */
export function soak_operations(number: u32): u64 {
  return memberOf(number).operations;
}

export function soak_refused(number: u32): u64 {
  return memberOf(number).refused;
}

export function soak_received(number: u32): u64 {
  return memberOf(number).received;
}

export function soak_claimed(number: u32): i64 {
  return memberOf(number).claimed;
}

/** Address of the first byte that somebody has claimed; 0 when none is. Reads a bit for every 16 bytes of the heap. */
export function soak_first_claimed(): usize {
  return firstClaimed();
}

// --- Steps ---------------------------------------------------------------------------------------------------------

// @ts-ignore: decorator
@inline
function next(): u64 {
  self.random = advance(self.random);
  return draw(self.random);
}

/**
 * One thing or another with one of the first `range` slots, a power of two.
 * @param filling allocate rather than free
 */
function step(range: u32, filling: bool): void {
  const random = next();
  const slot = slotOf(index, (<u32>(random >> 32)) & (range - 1));
  const record = recordIn(slot);
  if (!record.block) return make(record, random);
  const what = (<u32>random) & 31;
  if (what < 4) return resize(record, random);
  if (filling && what < 24) return;
  if (what < 12 && record.size <= HANDED_MAX) return hand(slot, <u32>(random >> 8));
  if (what == 31 && ((<u32>random) & 0x3ffe0) == 0) return rarely(random >> 20);
  drop(record);
}

/** Leaves a block in a mailbox, and frees the one that was there, or keeps it for later. */
function hand(slot: usize, random: u32): void {
  self.held -= <i64>recordIn(slot).size;
  trade(slot, random & (MAILBOXES - 1));
  const record = recordIn(slot);
  if (!record.block) return;
  self.held += <i64>record.size;
  ++self.received;
  check(record);
  if (random & 0x300) drop(record);
}

/** Calls that are not about one block. */
function rarely(random: u64): void {
  const what = (<u32>random) & 7;
  ++self.operations;
  if (what < 2) {
    if (<u32>malloc_trim(0) > 1) fail(WRONG_ANSWER, 0, 0, 0, 1, 0);
  } else if (what < 7) {
    malloc_prewarm(<usize>upper(random, 2048), 64);
  } else {
    // In the middle of others' work no figure is exact, but each can be asked for.
    for (let figure: u32 = 0; figure < 6; ++figure) heap_stat(figure);
  }
}

// --- Blocks --------------------------------------------------------------------------------------------------------

function newSize(): usize {
  const random = next();
  if (pressing) return exhaustingSize(random);
  return self.held > budget ? modestSize(random) : ordinarySize(random);
}

/** Allocates a block for an empty record. */
function make(record: Record, random: u64): void {
  const size = newSize();
  const how = (<u32>(random >> 8)) & 63;
  const calm = pressure();
  let align: usize = 0;
  let block: usize = 0;
  if (how < 44) block = malloc(size);
  else if (how < 52) block = calloc(size, 1);
  else if (how < 54) block = calloc((size >> 4) + 1, 16);
  else if (how < 56) block = size ? realloc(0, size) : malloc(size);
  else {
    align = alignment(<u32>(random >> 16));
    if (how < 58) block = memalign(align, size);
    else if (how < 60) block = aligned_alloc(align, size);
    else if (posix_memalign(changetype<usize>(self) + offsetof<Member>("out"), max<usize>(align, 8), size) == 0) {
      block = self.out;
      if (!block) fail(WRONG_ANSWER, 0, size, changetype<usize>(self) + offsetof<Member>("out"), 1, 0);
    }
  }
  ++self.operations;
  const asked = how == 52 || how == 53 ? ((size >> 4) + 1) << 4 : size;
  if (!block) return refused(calm, asked + align);
  if (how >= 44 && how < 54) verifyZero(block, asked);
  accept(record, block, asked, align, <u32>(random >> 24));
}

/** 2 to 4096, rarely up to 1 MiB. */
function alignment(random: u32): usize {
  const log2 = 1 + (random & 127 ? (random >> 7) % 12 : (random >> 7) % 20);
  return (<usize>1) << (<usize>log2);
}

/** Takes a block that was handed out. */
function accept(record: Record, block: usize, asked: usize, align: usize, random: u32): void {
  if (block & (max<usize>(align, MIN_ALIGN) - 1)) fail(MISALIGNED, block, asked, block, align, block);
  let size = asked;
  if ((random & 7) == 0) {
    const usable = malloc_usable_size(block);
    if (usable < asked) fail(UNUSABLE, block, asked, block, asked, usable);
    // All that may be used is the program's, too.
    if (random & 8 && usable < asked + asked / 2 + 64) size = usable;
  }
  claim(block, size);
  const units = <i64>unitsOf(size);
  self.claimed += units;
  self.held += <i64>size;
  record.block = block;
  record.size = size;
  record.asked = asked;
  record.align = align;
  record.id = ++self.lastId;
  // V8 looks at its own idea of the memory's end for these, which may be older than the block.
  if ((random & 0x70) == 0 && size <= FILLED_MAX) memory.fill(block, <u8>random, size);
  write(block, size, keyOf(block, record.id));
}

/** A request for `size` bytes was refused: that is right only while memory is exhausted. */
function refused(before: u32, size: usize): void {
  if (size <= SURE_MAX && wasCalm(before)) fail(REFUSED, 0, size, 0, 1, 0);
  ++self.refused;
}

// @ts-ignore: decorator
@inline
function check(record: Record): void {
  // What another thread has got may lie in memory that V8 does not let this one see, where it has no guard pages.
  if (sizeof<usize>() == 8 && HK_NATIVE == 0) look(record.block + record.size);
  verify(record.block, record.size, keyOf(record.block, record.id));
}

/** This instance has seen all memory below. */
let seen: usize = 0;

function look(end: usize): void {
  if (end > seen) seen = (<usize>(<u32>memory.grow(0))) << 16;
}

/** Takes the bytes of a record's block from this thread. */
// @ts-ignore: decorator
@inline
function forget(record: Record): void {
  release(record.block, record.size);
  self.claimed -= <i64>unitsOf(record.size);
  self.held -= <i64>record.size;
}

/** Frees a record's block, if there is one. */
function drop(record: Record): void {
  const block = record.block;
  if (!block) return;
  check(record);
  forget(record);
  record.block = 0;
  const asked = record.asked;
  record.size = 0;
  ++self.operations;
  // What was made with an alignment goes back with it, or without a size.
  if (record.id & 3) return free(block);
  if (record.align) free_aligned_sized(block, record.align, asked);
  else free_sized(block, asked);
}

/** Resizes a record's block to a size near its own, or any. */
function resize(record: Record, random: u64): void {
  const block = record.block;
  const old = record.size;
  const near = old - (old >> 2) + <usize>upper(random, 1 + <u32>(old >> 1));
  const size = max<usize>(1, random & 64 && self.held < budget ? near : newSize());
  const key = keyOf(block, record.id);
  check(record);
  forget(record);
  const calm = pressure();
  const moved = random & 128 ? realloc(block, size) : reallocarray(block, size, 1);
  ++self.operations;
  if (!moved) {
    refused(calm, size);
    // All is as it was.
    claim(block, old);
    self.claimed += <i64>unitsOf(old);
    self.held += <i64>old;
    return verify(block, old, key);
  }
  verifyMoved(moved, old, min(old, size), key);
  accept(record, moved, size, 0, <u32>(random >> 8));
}

// --- Exhausting memory ---------------------------------------------------------------------------------------------

/** Allocates until memory is exhausted and for a while longer, and frees again what is more than this thread's share. */
function exhaust(): void {
  const random = next();
  self.nextPressure = self.operations + <u64>(PRESSURE_EVERY >> 1) + <u64>upper(random, PRESSURE_EVERY);
  beginPressure();
  pressing = true;
  if (random & 3) fill();
  else hoard(<usize>(1 + (((<u32>random) >> 2) % HOARD_SIZE)));
  for (let slot: u32 = 0; slot < slotCount; ++slot) {
    const record = recordIn(slotOf(index, slot));
    if (record.block && record.size >= KEPT_MAX) drop(record);
  }
  pressing = false;
  malloc_trim(0);
  ++self.operations;
  endPressure();
}

/** With blocks of all sizes; where one is refused, some others go. */
function fill(): void {
  let before = self.refused;
  for (let n: u32 = 0; n < PRESSURE_STEPS; ++n) {
    step(slotCount, true);
    if (self.refused == before) continue;
    for (let other: u32 = 0; other < 4; ++other) drop(recordIn(slotOf(index, (<u32>(next() >> 32)) & (slotCount - 1))));
    before = self.refused;
  }
}

/**
 * With blocks of one size. They are in no slot: each holds the address of the one before, and the check of that.
 *
 *   block ─► │ before │ key of this block, and of what is before │
 */
function hoard(size: usize): void {
  size = max<usize>(size, 2 * sizeof<u64>());
  let last: usize = 0;
  let count: u32 = 0;
  for (; count < HOARD_MAX; ++count) {
    const block = malloc(size);
    if (!block) {
      ++self.refused;
      break;
    }
    if (block & (MIN_ALIGN - 1)) fail(MISALIGNED, block, size, block, MIN_ALIGN, block);
    claim(block, size);
    store<u64>(block, <u64>last);
    store<u64>(block + 8, keyOf(block, <u32>last));
    last = block;
  }
  self.operations += <u64>count;
  for (; count; --count) {
    const block = last;
    last = <usize>load<u64>(block);
    verifyWord(block, size, keyOf(block, <u32>last));
    release(block, size);
    free(block);
    ++self.operations;
  }
}

/** Verifies the second word of a hoarded block. */
function verifyWord(block: usize, size: usize, word: u64): void {
  const found = load<u64>(block + 8);
  if (found != word) fail(WRONG_ANSWER, block, size, block + 8, word, found);
}
