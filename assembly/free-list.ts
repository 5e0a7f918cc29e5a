/**
 * Lists of free blocks: the first word of a free block leads to the next one.
 *
 *   plain       ┌──────────────┬─ ─ ─        hardened   ┌────────────────────────┬─ ─┬──────────────┬─ ─ ─
 *               │ next, 0: end │                        │ next ^ block ^ secret  │   │ mark         │
 *               └──────────────┴─ ─ ─                   └────────────────────────┴─ ─┴──────────────┴─ ─ ─
 *               0              WORD                     0                        WORD 8             16
 *
 * A hardened build finds a link that was written to, since what it decodes to is no block of the same class, and a block
 * that is freed twice, since it is marked while it is free. The secret is random where the platform has randomness (after
 * glibc's safe-linking and mimalloc's MI_SECURE).
 */

import { ADDRESS_BITS, MIN_ALIGN, WORD } from "./config";
import { secret } from "./control";
import { FAIL_BROKEN_LINK, FAIL_DOUBLE_FREE } from "./failure";
import * as platform from "./platform";
import { kindOf } from "./region";
import { CLASS_FIRST, classSize } from "./size-class";

/** Where the mark lies: behind the link, in every block. */
const MARK: usize = 8;
const MARK_BITS: u64 = 0x9e3779b97f4a7c15;

/** The block behind `block`. */
// @ts-ignore: decorator
@inline
export function next(block: usize): usize {
  if (!HK_HARDENED) return load<usize>(block);
  const following = load<usize>(block) ^ codeOf(block);
  if (following && !mayFollow(block, following)) brokenLink(block);
  return following;
}

/** Hardened: what the link and the mark of `block` are encoded with. */
// @ts-ignore: decorator
@inline
export function codeOf(block: usize): usize {
  return HK_HARDENED ? block ^ secret : 0;
}

/** Puts `following` behind `block`. */
// @ts-ignore: decorator
@inline
export function link(block: usize, following: usize, code: usize = codeOf(block)): void {
  store<usize>(block, following ^ code);
}

/** Hardened: notes that `block` is free, whatever it was. */
// @ts-ignore: decorator
@inline
export function mark(block: usize, code: usize = codeOf(block)): void {
  if (HK_HARDENED) store<u64>(block, markOf(code), MARK);
}

/** Hardened: notes that `block` is not free any more, and returns it. */
// @ts-ignore: decorator
@inline
export function unmark(block: usize): usize {
  if (HK_HARDENED) store<u64>(block, 0, MARK);
  return block;
}

/** Hardened: true when `block`, a small one, is free. */
// @ts-ignore: decorator
@inline
export function isMarked(block: usize, code: usize = codeOf(block)): bool {
  return load<u64>(block, MARK) == markOf(code);
}

// @ts-ignore: decorator
@inline
function markOf(code: usize): u64 {
  return (<u64>code) ^ MARK_BITS;
}

/** True when `following` can be a block of the class of `block`. */
// @ts-ignore: decorator
@inline
function mayFollow(block: usize, following: usize): bool {
  const wild = ADDRESS_BITS < WORD * 8 ? following >> ADDRESS_BITS : 0;
  return !(wild | (following & (MIN_ALIGN - 1))) && kindOf(following) == kindOf(block);
}

function brokenLink(block: usize): void {
  platform.fail(FAIL_BROKEN_LINK, block, sizeOf(block), block, load<u8>(block));
}

/** Hardened: ends the program when `block`, a small one, is free. */
export function refuseMarked(block: usize): void {
  if (isMarked(block)) platform.fail(FAIL_DOUBLE_FREE, block, sizeOf(block), block, 0);
}

function sizeOf(block: usize): usize {
  const kind = kindOf(block);
  return kind < CLASS_FIRST ? 0 : classSize(kind);
}
