/** What a heap tells whoever observes it: every call that succeeds, by plain numbers. */

export interface Observer {
  /** Bytes, and one for each block, until the next block that must be told of; 0: all, and all that is freed or resized. */
  left: number;
  /** By the bits of an address above the lowest four: 0 where no block that is kept in mind has such ones. */
  readonly filter: Uint8Array;
  /** `block` is there for `size` bytes; `alignment` is 0 unless the call asked for one. */
  allocated(block: number, size: number, alignment: number): void;
  /**
   * `block`, which is not 0, is about to be freed.
   * @returns whether it is one that the observer keeps in mind
   */
  freed(block: number): boolean;
  /** What was at `old` is at `block` now, for `size` bytes. */
  resized(old: number, block: number, size: number): void;
  /** Who asked for a block, and who freed it, as text; empty when it is not known. */
  originOf(block: number): string;
  /** Everything is about to be freed. */
  cleared(): void;
}
