/**
 * What a block holds: a function of its address, its size and its number, so that whoever has it can verify it.
 *
 *   block ─► │ key │ key + 8 s │ key + 16 s │ ┄ │ what is left of `tail`, the last 8 bytes │      s: STEP
 *
 * All words of blocks up to WHOLE_SIZE, and of some larger ones; of the others the first, the last, and one in each 4 KiB.
 */

import { DAMAGED, NOT_ZERO, fail } from "./fault";

const STEP: u64 = 0x9e3779b97f4a7c15;
const MIX: u64 = 0xbf58476d1ce4e5b9;
const TAIL: u64 = 0x94d049bb133111eb;
const WHOLE_SIZE: usize = 256;
/** One in so many blocks up to SAMPLED_SIZE, and one in so many of all, is written to everywhere. */
const SAMPLE: u64 = 16;
const SAMPLED_SIZE: usize = 65536;
const RARE_SAMPLE: u64 = 512;
const SPARSE_STEP: usize = 4096;

/** The key of the block number `id` at `block`. */
// @ts-ignore: decorator
@inline
export function keyOf(block: usize, id: u32): u64 {
  const key = ((<u64>block) ^ ((<u64>id) << 40) ^ (<u64>id)) * MIX;
  return key ^ (key >> 31);
}

// @ts-ignore: decorator
@inline
function isWhole(size: usize, key: u64): bool {
  return size <= WHOLE_SIZE || (key % SAMPLE == 0 && size <= SAMPLED_SIZE) || key % RARE_SAMPLE == 0;
}

/** Writes what belongs into a block of `size` bytes. */
export function write(block: usize, size: usize, key: u64): void {
  if (size < 8) {
    for (let at: usize = 0; at < size; ++at) store<u8>(block + at, <u8>(key >> ((<u64>at) << 3)));
    return;
  }
  // The words go over what of the tail is theirs.
  store<u64>(block + size - 8, key ^ TAIL);
  store<u64>(block, key);
  if (isWhole(size, key)) {
    let word = key;
    for (let at: usize = 8; at + 8 <= size; at += 8) store<u64>(block + at, (word += STEP));
  } else {
    for (let at = SPARSE_STEP; at + 16 <= size; at += SPARSE_STEP) store<u64>(block + at, key + <u64>at * STEP);
  }
}

/** Verifies a block of `size` bytes. */
// @ts-ignore: decorator
@inline
export function verify(block: usize, size: usize, key: u64): void {
  verifyMoved(block, size, size, key);
}

/** Verifies the first `kept` bytes of what was written for a block of `size` bytes and is at `block` now. */
export function verifyMoved(block: usize, size: usize, kept: usize, key: u64): void {
  if (size < 8) {
    for (let at: usize = 0; at < kept; ++at) {
      const byte = <u8>(key >> ((<u64>at) << 3));
      if (load<u8>(block + at) != byte) fail(DAMAGED, block, size, block + at, byte, load<u8>(block + at));
    }
    return;
  }
  const whole = isWhole(size, key);
  if (kept >= 8) expect(block, size, 0, key);
  if (whole) {
    let word = key;
    for (let at: usize = 8; at + 8 <= kept; at += 8) {
      word += STEP;
      if (load<u64>(block + at) != word) expect(block, size, at, word);
    }
  } else {
    for (let at = SPARSE_STEP; at + 16 <= size && at + 8 <= kept; at += SPARSE_STEP) {
      expect(block, size, at, key + <u64>at * STEP);
    }
  }
  if (kept < size) return;
  // Of the tail, the bytes behind the last whole word are left.
  const left = whole ? <u64>(size & 7) : 8;
  if (left == 0) return;
  const shift = 64 - (left << 3);
  const tail = (key ^ TAIL) >> shift;
  const found = load<u64>(block + size - 8) >> shift;
  if (found != tail) fail(DAMAGED, block, size, block + size - <usize>left, tail, found);
}

// @ts-ignore: decorator
@inline
function expect(block: usize, size: usize, at: usize, word: u64): void {
  const found = load<u64>(block + at);
  if (found != word) fail(DAMAGED, block, size, block + at, word, found);
}

/** Verifies that all of a block reads as zero. */
export function verifyZero(block: usize, size: usize): void {
  let at: usize = 0;
  for (; at + 8 <= size; at += 8) {
    const found = load<u64>(block + at);
    if (found) fail(NOT_ZERO, block, size, block + at, 0, found);
  }
  for (; at < size; ++at) {
    const found = load<u8>(block + at);
    if (found) fail(NOT_ZERO, block, size, block + at, 0, found);
  }
}
