/** What a heap tells whoever observes it: every call that succeeds, by plain numbers. */

export interface Observer {
  /** `block` is there for `size` bytes; `alignment` is 0 unless the call asked for one. */
  allocated(block: number, size: number, alignment: number): void;
  /** `block`, which is not 0, is about to be freed. */
  freed(block: number): void;
  /** What was at `old` is at `block` now, for `size` bytes. */
  resized(old: number, block: number, size: number): void;
  /** Everything is about to be freed. */
  cleared(): void;
}
