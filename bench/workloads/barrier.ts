/**
 * A barrier for all threads that spins: sense-reversing, on the board. The threads must not outnumber the cores.
 *
 *   board    ├ arrived u32 ┄ 64 B ┼ round u32 ┄ 64 B ┼ queues ┄
 */

import { board, threadCount } from "./arena";

const ROUND_OFFSET: usize = 64;

/** Bytes of the board that the barrier takes. */
export const BARRIER_BYTES: usize = 128;

/** Returns when all threads have called it as often as this one. */
export function barrier_wait(): void {
  const round = atomic.load<u32>(board, ROUND_OFFSET);
  if (atomic.add<u32>(board, 1) + 1 == <u32>threadCount) {
    atomic.store<u32>(board, 0);
    atomic.store<u32>(board, round + 1, ROUND_OFFSET);
  } else {
    while (atomic.load<u32>(board, ROUND_OFFSET) == round) {}
  }
}
