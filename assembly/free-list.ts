/**
 * Links of free blocks: the first word of a free block holds the address of the next one, 0 at the end.
 *
 * Guard builds keep the complement in the second word and verify it: a write into a freed block or one beyond the end
 * of a block in use is found when the list is next walked.
 */

import { WORD } from "./config";
import { FAIL_CORRUPTED_LIST } from "./failure";
import * as platform from "./platform";

/** The block behind `block`. */
// @ts-ignore: decorator
@inline
export function next(block: usize): usize {
  const following = load<usize>(block);
  if (HK_GUARD) {
    if (load<usize>(block, WORD) != ~following) platform.fail(FAIL_CORRUPTED_LIST, block);
  }
  return following;
}

/** Puts `following` behind `block`. */
// @ts-ignore: decorator
@inline
export function link(block: usize, following: usize): void {
  store<usize>(block, following);
  if (HK_GUARD) store<usize>(block, ~following, WORD);
}
