/** Sizes and lifetimes of a recording's blocks, against blocks that are followed one by one. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  KIND,
  makeEvents,
  SlotNumbers,
  type RecordingHead,
} from "../../packages/tools/src/observe/recording/events.js";
import { decodeRecording, encodeBlock, encodeHead } from "../../packages/tools/src/observe/recording/format.js";
import { histogramsOf } from "../../packages/tools/src/observe/recording/histograms.js";

const TIME_UNIT = 64;
const call = fc.tuple(
  fc.constantFrom(KIND.malloc, KIND.free, KIND.realloc),
  fc.nat({ max: 1 << 20 }),
  fc.nat({ max: 10_000 }),
);

const binOf = (value: number): number => (value < 1 ? 0 : 2 ** Math.floor(Math.log2(value)));

describe("the histograms of a recording", () => {
  it("have each size that was asked for, and each block's life", () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 200 }), (calls) => {
        const events = makeEvents(calls.length);
        const numbers = new SlotNumbers();
        const live: { slot: number; born: number }[] = [];
        const expected = { sizes: new Map<number, number>(), lives: new Map<number, number>() };
        const add = (to: Map<number, number>, value: number): void =>
          void to.set(binOf(value), (to.get(binOf(value)) ?? 0) + 1);
        let time = 0;
        calls.forEach(([kind, size, gap], at) => {
          time += (gap + 1) * TIME_UNIT;
          const block = kind === KIND.malloc ? undefined : live[size % Math.max(1, live.length)];
          events.times[at] = time;
          events.kinds[at] = block === undefined ? KIND.malloc : kind;
          events.slots[at] = block?.slot ?? numbers.take();
          if (block === undefined) live.push({ slot: events.slots[at] ?? 0, born: time });
          if (block === undefined || kind === KIND.realloc) {
            events.sizes[at] = size;
            add(expected.sizes, size);
            return;
          }
          add(expected.lives, time - block.born);
          numbers.give(block.slot);
          live.splice(live.indexOf(block), 1);
        });
        const head: RecordingHead = {
          version: 2,
          program: "drawn",
          events: calls.length,
          slots: numbers.most,
          threads: 1,
          duration: time,
          peakBytes: 0,
          sampledFrom: 1,
        };
        const file = Buffer.concat([encodeHead(head), encodeBlock(events, { thread: 0, time: 0 }, 1)]);
        const found = histogramsOf(decodeRecording(file, "drawn"));
        expect(found.events).toBe(calls.length);
        expect(new Map(found.sizes.map(({ from, blocks }) => [from, blocks]))).toEqual(expected.sizes);
        expect(new Map(found.lifetimes.map(({ from, blocks }) => [from, blocks]))).toEqual(expected.lives);
      }),
    );
  });
});
