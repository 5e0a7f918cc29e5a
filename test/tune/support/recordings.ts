/** Recordings made of a list of calls. */

import * as fc from "fast-check";
import {
  KIND,
  makeEvents,
  SlotNumbers,
  type RecordingHead,
} from "../../../packages/tools/src/observe/recording/events.js";
import {
  decodeRecording,
  encodeBlock,
  encodeHead,
  type Recording,
} from "../../../packages/tools/src/observe/recording/format.js";

/** A call: a new block, or what happens to the block that is the `which`th of those in use. Time goes on by `after` units of 64 ns. */
export interface Call {
  readonly kind: "malloc" | "free" | "realloc" | "aligned";
  readonly size: number;
  readonly which: number;
  readonly after: number;
}

export const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom("malloc", "malloc", "free", "realloc", "aligned"),
  size: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 100_000 })),
  which: fc.nat(1000),
  after: fc.integer({ min: 0, max: 50 }),
});

/** One event as it is in the recording. */
export interface Event {
  readonly kind: number;
  readonly slot: number;
  readonly size: number;
  readonly time: number;
}

/** What the calls are as events; those for which there is no block are left out, and blocks that are left are freed. */
export function eventsOf(calls: readonly Call[]): Event[] {
  const numbers = new SlotNumbers();
  const live: number[] = [];
  const events: Event[] = [];
  let time = 0;
  for (const { kind, size, which, after } of calls) {
    time += 64 * after;
    if (kind === "malloc" || kind === "aligned") {
      const slot = numbers.take();
      live.push(slot);
      events.push({ kind: KIND[kind], slot, size, time });
      continue;
    }
    const at = which % Math.max(1, live.length);
    const slot = live[at];
    if (slot === undefined) continue;
    if (kind === "free") {
      live.splice(at, 1);
      numbers.give(slot);
    }
    events.push({ kind: KIND[kind], slot, size: kind === "free" ? 0 : size, time });
  }
  for (const slot of live) events.push({ kind: KIND.free, slot, size: 0, time });
  return events;
}

/** The file of a recording. */
export function fileOf(list: readonly Event[]): Buffer {
  const events = makeEvents(list.length);
  let [bytes, peakBytes] = [0, 0];
  const sizes = new Map<number, number>();
  for (const [i, { kind, slot, size, time }] of list.entries()) {
    events.kinds[i] = kind;
    events.slots[i] = slot;
    events.sizes[i] = size;
    events.alignments[i] = kind === KIND.aligned ? 6 : 0;
    events.times[i] = time;
    bytes += size - (sizes.get(slot) ?? 0);
    sizes.set(slot, size);
    peakBytes = Math.max(peakBytes, bytes);
  }
  const head: RecordingHead = {
    version: 2,
    program: "test",
    events: list.length,
    slots: Math.max(0, ...list.map(({ slot }) => slot + 1)),
    threads: 1,
    duration: list.at(-1)?.time ?? 0,
    peakBytes,
    sampledFrom: 1,
  };
  const blocks = list.length === 0 ? [] : [encodeBlock(events, { thread: 0, time: 0 }, 1)];
  return Buffer.concat([encodeHead(head), ...blocks]);
}

export const recordingOf = (list: readonly Event[]): Recording => decodeRecording(fileOf(list), "test");
