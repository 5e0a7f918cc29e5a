/** How large the blocks of a recording were, and how long they lived: by powers of two. */

import { KIND } from "./events.js";
import type { Recording } from "./format.js";

/** What lies from `from` on and below the next power of two. */
export interface Bin {
  /** Bytes, or nanoseconds; 0 for what is below 1. */
  readonly from: number;
  readonly blocks: number;
}

export interface Histograms {
  readonly events: number;
  /** By bytes asked for, of each call that got a block or made one another size. */
  readonly sizes: readonly Bin[];
  /** By nanoseconds from a block's beginning, whatever its size since, to its end; empty where the recording has no times. */
  readonly lifetimes: readonly Bin[];
}

/** Throws as the recording's `blocks()` do. */
export function histogramsOf({ head, blocks }: Recording): Histograms {
  const sizes = new Map<number, number>();
  const lifetimes = new Map<number, number>();
  const born = new Float64Array(head.slots);
  let events = 0;
  for (const { count, kinds, slots, sizes: asked, times } of blocks()) {
    events += count;
    for (let at = 0; at < count; at++) {
      const [kind, slot = 0, time = 0] = [kinds[at], slots[at], times[at]];
      if (kind !== KIND.free) add(sizes, asked[at] ?? 0);
      if (kind === KIND.free) add(lifetimes, time - (born[slot] ?? 0));
      else if (kind !== KIND.realloc) born[slot] = time;
    }
  }
  return { events, sizes: binsOf(sizes), lifetimes: head.duration === 0 ? [] : binsOf(lifetimes) };
}

function add(bins: Map<number, number>, value: number): void {
  const from = value < 1 ? 0 : 2 ** Math.floor(Math.log2(value));
  bins.set(from, (bins.get(from) ?? 0) + 1);
}

const binsOf = (bins: ReadonlyMap<number, number>): Bin[] =>
  [...bins].map(([from, blocks]) => ({ from, blocks })).sort((a, b) => a.from - b.from);
