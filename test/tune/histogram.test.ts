/** The histogram, and the halves of a recording, against counting by hand. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KIND } from "../../packages/tools/src/observe/recording/events.js";
import { decodeRecording } from "../../packages/tools/src/observe/recording/format.js";
import { halvesOf } from "../../packages/tools/src/tune/halves.js";
import { histogramOf } from "../../packages/tools/src/tune/histogram.js";
import { TEST_SEED } from "../support/random.js";
import { call, eventsOf, recordingOf, type Event } from "./support/recordings.js";

/** Sizes of the blocks in use behind each event. */
function states(events: readonly Event[]): Map<number, number>[] {
  const live = new Map<number, number>();
  return events.map(({ kind, slot, size }) => {
    if (kind === KIND.free) live.delete(slot);
    else live.set(slot, Math.max(1, size));
    return new Map(live);
  });
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
const countOf = (state: ReadonlyMap<number, number> | undefined, size: number): number =>
  [...(state?.values() ?? [])].filter((each) => each === size).length;

describe("the histogram of a recording", () => {
  it("is what counting after every event gives", () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 60 }), (calls) => {
        const events = eventsOf(calls);
        const all = states(events);
        const bytes = all.map((state) => sum(state.values()));
        const peak = Math.max(0, ...bytes);
        const { sizes, peakBytes } = histogramOf(recordingOf(events));
        expect(peakBytes).toBe(peak);
        const duration = events.at(-1)?.time ?? 0;
        const now = (index: number): number => (duration > 0 ? (events[index]?.time ?? 0) : index + 1);
        const end = Math.max(1, duration > 0 ? duration : events.length);
        for (const { size, allocations, mean, atPeak } of sizes) {
          const asked = events.filter(({ kind, size: own }) => kind !== KIND.free && Math.max(1, own) === size);
          expect(allocations).toBe(asked.length);
          expect(atPeak).toBe(countOf(all[bytes.indexOf(peak)], size));
          const integral = sum(
            all.slice(0, -1).map((state, index) => countOf(state, size) * (now(index + 1) - now(index))),
          );
          expect(mean).toBeCloseTo(integral / end, 6);
        }
        expect(sizes.map(({ size }) => size)).toEqual([...sizes.map(({ size }) => size)].sort((a, b) => a - b));
        expect(sum(sizes.map(({ size, atPeak }) => size * atPeak))).toBe(peak);
      }),
      { seed: TEST_SEED, numRuns: 200 },
    );
  });

  it("takes events for time where a recording has none", () => {
    const events = eventsOf([
      { kind: "malloc", size: 100, which: 0, after: 0 },
      { kind: "malloc", size: 200, which: 0, after: 0 },
      { kind: "free", size: 0, which: 0, after: 0 },
    ]);
    const { sizes } = histogramOf(recordingOf(events));
    expect(sizes).toEqual([
      { size: 100, allocations: 1, mean: 2 / 4, atPeak: 1 },
      { size: 200, allocations: 1, mean: 2 / 4, atPeak: 1 },
    ]);
  });
});

describe("the halves of a recording", () => {
  it("have each block with its whole life, once", () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 2, maxLength: 80 }), (calls) => {
        const events = eventsOf(calls);
        const halves = halvesOf(recordingOf(events)).map((bytes) => decodeRecording(bytes, "half"));
        const lives = (list: readonly Event[]): string[] => {
          const open = new Map<number, string>();
          const done: string[] = [];
          for (const { kind, slot, size, time } of list) {
            const isNew = kind === KIND.malloc || kind === KIND.aligned;
            const life = `${isNew ? "" : (open.get(slot) ?? "?")} ${kind === KIND.free ? "free" : size}@${time}`;
            if (kind === KIND.free) done.push(life);
            else open.set(slot, life);
          }
          return done;
        };
        const read = halves.map(({ blocks }) =>
          [...blocks()].flatMap(({ count, kinds, slots, sizes, times }) =>
            Array.from({ length: count }, (_, i) => ({
              kind: kinds[i] ?? 0,
              slot: slots[i] ?? 0,
              size: sizes[i] ?? 0,
              time: times[i] ?? 0,
            })),
          ),
        );
        expect(read.flatMap(lives).sort()).toEqual(lives(events).sort());
        for (const [index, { head }] of halves.entries()) expect(head.events).toBe(read[index]?.length);
      }),
      { seed: TEST_SEED, numRuns: 100 },
    );
  });
});
