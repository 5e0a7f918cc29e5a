/** What a recording asks for, by size: the demand that size classes are fitted to. */

import { KIND } from "../observe/recording/events.js";
import type { Recording } from "../observe/recording/format.js";

/** Of the blocks of one requested size. What is resized is a block of its old size until then, and of its new one from then on. */
export interface SizeDemand {
  /** Bytes, as asked for; 1 for those who ask for none. */
  readonly size: number;
  /** How often it was asked for, by resizing, too. */
  readonly allocations: number;
  /** How many were in use at once on average over the recording. */
  readonly mean: number;
  /** How many were in use when the most bytes were. */
  readonly atPeak: number;
}

export interface Histogram {
  /** By size, in ascending order. */
  readonly sizes: readonly SizeDemand[];
  /** Bytes in use at once at most, as asked for. */
  readonly peakBytes: number;
  /** Bytes in use on average, as asked for. */
  readonly meanBytes: number;
}

/** Blocks of one size, on the way through the events. */
interface Count {
  allocations: number;
  live: number;
  atPeak: number;
  /** Integral of `live` over time, up to `since`. */
  integral: number;
  since: number;
}

/**
 * The histogram of a recording, whose events are read twice. Time is the recording's own; where it has none, an event is a unit.
 *
 * Throws `ExplainedError` when the recording is damaged.
 */
export function histogramOf(recording: Recording): Histogram {
  const peak = findPeak(recording);
  const counts = new Map<number, Count>();
  const { duration } = recording.head;
  let end = 0;
  walk(recording, (event, time, from, to) => {
    const now = duration > 0 ? time : event;
    end = Math.max(end, now);
    if (from > 0) move(counts, from, -1, now);
    if (to > 0) move(counts, to, 1, now);
    if (event === peak.event) for (const count of counts.values()) count.atPeak = count.live;
  });
  const whole = Math.max(end, 1);
  const sizes = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([size, { allocations, atPeak, integral, live, since }]) => ({
      size,
      allocations,
      mean: (integral + live * (end - since)) / whole,
      atPeak,
    }));
  return {
    sizes,
    peakBytes: peak.bytes,
    meanBytes: sizes.reduce((sum, { size, mean }) => sum + size * mean, 0),
  };
}

function move(counts: Map<number, Count>, size: number, by: 1 | -1, now: number): void {
  let count = counts.get(size);
  if (count === undefined) counts.set(size, (count = { allocations: 0, live: 0, atPeak: 0, integral: 0, since: now }));
  count.integral += count.live * (now - count.since);
  count.since = now;
  count.live += by;
  if (by > 0) count.allocations++;
}

/** The event after which the most bytes are in use, the first of them. */
function findPeak(recording: Recording): { readonly event: number; readonly bytes: number } {
  let [bytes, most, at] = [0, 0, 0];
  walk(recording, (event, _, from, to) => {
    bytes += to - from;
    if (bytes > most) [most, at] = [bytes, event];
  });
  return { event: at, bytes: most };
}

/** Calls `visit` for each event with its number, from 1, and the size of its block before and after; 0 is none. */
function walk(recording: Recording, visit: (event: number, time: number, from: number, to: number) => void): void {
  const sizes = new Float64Array(recording.head.slots);
  let event = 0;
  for (const { count, kinds, slots, sizes: asked, times } of recording.blocks()) {
    for (let i = 0; i < count; i++) {
      const slot = slots[i] ?? 0;
      const from = sizes[slot] ?? 0;
      const to = kinds[i] === KIND.free ? 0 : Math.max(1, asked[i] ?? 0);
      sizes[slot] = to;
      visit(++event, times[i] ?? 0, from, to);
    }
  }
}
