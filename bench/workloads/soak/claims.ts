/**
 * Who has which bytes: a bit for every 16 bytes that the heap can ever use, set while a block lies there. A block that
 * overlaps another one finds a bit set that should be clear, when it is made or when either of the two goes.
 *
 *   address ─►  base │ word 0: 1 KiB │ word 1 │ ┄            bit n of a word: bytes [16 n, 16 n + 16) of its kibibyte
 *
 * Words that a block may share with its neighbours are changed atomically. Those whose whole kibibyte it takes are its own,
 * if the allocator is right; if it is not, one of the two blocks finds it changed.
 */

import { atomicAnd, atomicOr } from "../../../assembly/atomic";
import { OUTSIDE, OVERLAP, fail } from "./fault";

const UNIT_SHIFT: usize = 4;
const WORD_SHIFT: usize = 6;
const WORD_MASK: usize = 63;
const ALL: u64 = u64.MAX_VALUE;

let table: usize = 0;
/** Blocks lie in [base, end). */
let base: usize = 0;
let end: usize = 0;

/** Bytes that `claims_begin` needs for a heap of `bytes`. */
export function claimsBytes(bytes: usize): usize {
  return bytes >> (UNIT_SHIFT + 3);
}

/** Keeps the claims to [from, to), both multiples of 1 KiB, at `address`; `to` is 0 where memory ends with all addresses. */
export function beginClaims(address: usize, from: usize, to: usize): void {
  table = address;
  base = from;
  end = to;
}

/** Units of a block: one of no bytes has an address of its own, too. */
// @ts-ignore: decorator
@inline
export function unitsOf(size: usize): usize {
  return (max<usize>(size, 1) + 15) >> UNIT_SHIFT;
}

/** Address of the byte that a bit of the word at `word` stands for: the lowest of `bits`. */
function addressOf(word: usize, bits: u64): usize {
  return base + ((((word - table) << 3) + <usize>ctz<u64>(bits)) << UNIT_SHIFT);
}

// @ts-ignore: decorator
@inline
function wordOf(unit: usize): usize {
  return table + ((unit >> WORD_SHIFT) << 3);
}

/** Takes the bytes of a block that was just handed out. */
export function claim(block: usize, size: usize): void {
  // As a difference to the end, which may be 2^32.
  if (block < base || end - block < max<usize>(size, 1) || end - block > end - base)
    fail(OUTSIDE, block, size, block, base, end);
  const first = (block - base) >> UNIT_SHIFT;
  const last = first + unitsOf(size) - 1;
  const from = ALL << ((first & WORD_MASK) as u64);
  const to = ALL >> ((WORD_MASK - (last & WORD_MASK)) as u64);
  let word = wordOf(first);
  const lastWord = wordOf(last);
  if (word == lastWord) return take(block, size, word, from & to);
  take(block, size, word, from);
  for (word += 8; word < lastWord; word += 8) {
    const bits = load<u64>(word);
    if (bits) fail(OVERLAP, block, size, addressOf(word, bits), 0, bits);
    store<u64>(word, ALL);
  }
  take(block, size, lastWord, to);
}

/** Gives up the bytes of a block that is about to be given back. */
export function release(block: usize, size: usize): void {
  const first = (block - base) >> UNIT_SHIFT;
  const last = first + unitsOf(size) - 1;
  const from = ALL << ((first & WORD_MASK) as u64);
  const to = ALL >> ((WORD_MASK - (last & WORD_MASK)) as u64);
  let word = wordOf(first);
  const lastWord = wordOf(last);
  if (word == lastWord) return give(block, size, word, from & to);
  give(block, size, word, from);
  for (word += 8; word < lastWord; word += 8) {
    const bits = load<u64>(word);
    if (bits != ALL) fail(OVERLAP, block, size, addressOf(word, ~bits), ALL, bits);
    store<u64>(word, 0);
  }
  give(block, size, lastWord, to);
}

// @ts-ignore: decorator
@inline
function take(block: usize, size: usize, word: usize, mask: u64): void {
  const taken = atomicOr<u64>(word, mask) & mask;
  if (taken) fail(OVERLAP, block, size, addressOf(word, taken), 0, taken);
}

// @ts-ignore: decorator
@inline
function give(block: usize, size: usize, word: usize, mask: u64): void {
  const bits = atomicAnd<u64>(word, ~mask) & mask;
  if (bits != mask) fail(OVERLAP, block, size, addressOf(word, bits ^ mask), mask, bits);
}

/** Address of the first byte that is claimed; 0 when none is. Walks the whole table. */
export function firstClaimed(): usize {
  const behind = table + claimsBytes(end - base);
  for (let word = table; word < behind; word += 8) {
    const bits = load<u64>(word);
    if (bits) return addressOf(word, bits);
  }
  return 0;
}
