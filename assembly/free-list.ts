/** Links of free blocks: the first word of a free block holds the address of the next one, 0 at the end. */

/** The block behind `block`. */
// @ts-ignore: decorator
@inline
export function next(block: usize): usize {
  return load<usize>(block);
}

/** Puts `following` behind `block`. */
// @ts-ignore: decorator
@inline
export function link(block: usize, following: usize): void {
  store<usize>(block, following);
}
