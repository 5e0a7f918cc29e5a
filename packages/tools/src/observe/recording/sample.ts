/** A share of a recording's blocks, each with its whole life, so that the mix of sizes and lifetimes stays what it is. */

import { KIND, SlotNumbers, type RecordingHead } from "./events.js";
import type { Recording } from "./format.js";

/** Which share of the blocks has about `most` events. */
export function keptShare({ events }: RecordingHead, most: number): number {
  return events <= most ? 1 : most / events;
}

/**
 * Whether the block of this number, in the order of allocation, is among them: spread evenly, and always the same ones. Shares from `from` on,
 * a fraction as well, have no blocks in common with those up to there.
 */
export function isKept(block: number, share: number, from = 0): boolean {
  if (share === 1) return true;
  const place = Math.imul(block + 1, 0x9e3779b1) >>> 0;
  return place >= from * 2 ** 32 && place < (from + share) * 2 ** 32;
}

/** Calls `visit` for each event of a block that is kept, with slots of their own; returns how many slots these are. */
export function sampledBlocks(
  recording: Recording,
  share: number,
  visit: (kind: number, slot: number, size: number, time: number, thread: number) => void,
  shareFrom = 0,
): number {
  const numbers = new SlotNumbers();
  const slots = new Int32Array(recording.head.slots).fill(-1);
  let born = 0;
  for (const { count, kinds, slots: own, sizes, times, threads } of recording.blocks()) {
    for (let i = 0; i < count; i++) {
      const kind = kinds[i] ?? 0;
      const from = own[i] ?? 0;
      if (kind === KIND.malloc || kind === KIND.aligned)
        slots[from] = isKept(born++, share, shareFrom) ? numbers.take() : -1;
      const slot = slots[from] ?? -1;
      if (slot < 0) continue;
      if (kind === KIND.free) numbers.give(slot);
      visit(kind, slot, sizes[i] ?? 0, times[i] ?? 0, threads[i] ?? 0);
    }
  }
  return numbers.most;
}
