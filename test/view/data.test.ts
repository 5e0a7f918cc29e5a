/** What the viewer is told of a recording, against what the recording says. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  KIND,
  makeEvents,
  SlotNumbers,
  type RecordingHead,
} from "../../packages/tools/src/observe/recording/events.js";
import { decodeRecording, encodeBlock, encodeHead } from "../../packages/tools/src/observe/recording/format.js";
import { PAGE_STATE, type Packed, type RecordingView } from "../../packages/tools/src/view/data.js";
import { replayHeap } from "../../packages/tools/src/view/heap.js";
import { viewFiles } from "../../packages/tools/src/view/inputs.js";
import { outline } from "../../packages/tools/src/view/outline.js";
import { viewRecording } from "../../packages/tools/src/view/recording.js";
import { temporary } from "../support/temporary.js";

const SERIES = 3;

function unpack({ type, length, data }: Packed): number[] {
  const bytes = new Uint8Array(gunzipSync(Buffer.from(data, "base64")));
  const Type = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array }[type];
  return [...new Type(bytes.buffer, 0, length)];
}

type Call = readonly [grows: boolean, size: number, gap: number];

/** A recording of such calls: each makes a block, or ends one that there is. */
function recordingOf(calls: readonly Call[], threads: number): { file: Buffer; bytes: number[]; times: number[] } {
  const events = makeEvents(calls.length);
  const numbers = new SlotNumbers();
  const live: [slot: number, size: number][] = [];
  const bytes: number[] = [];
  const times: number[] = [];
  let [now, time] = [0, 0];
  calls.forEach(([grows, size, gap], at) => {
    time += gap * 64;
    events.times[at] = time;
    events.threads[at] = at % threads;
    const ends = grows ? undefined : live.splice(size % Math.max(1, live.length), 1)[0];
    if (ends === undefined) {
      const slot = numbers.take();
      live.push([slot, size]);
      events.slots[at] = slot;
      events.sizes[at] = size;
      now += size;
    } else {
      numbers.give(ends[0]);
      events.kinds[at] = KIND.free;
      events.slots[at] = ends[0];
      now -= ends[1];
    }
    bytes.push(now);
    times.push(time);
  });
  const head: RecordingHead = {
    version: 2,
    program: "drawn",
    events: calls.length,
    slots: numbers.most,
    threads,
    duration: time,
    peakBytes: Math.max(...bytes),
    sampledFrom: 1,
  };
  return { file: Buffer.concat([encodeHead(head), encodeBlock(events, { thread: 0, time: 0 }, 1)]), bytes, times };
}

const calls = fc.array(
  fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 5000 })),
  {
    minLength: 1,
    maxLength: 300,
  },
);

describe("the time line", () => {
  it("has the least and the most of every bucket, in the outline and in the whole", async () => {
    const heap = await replayHeap("default");
    await fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 1, max: 5 }), async (list, threads) => {
        const { file, bytes, times } = recordingOf(list, threads);
        const recording = decodeRecording(file, "drawn");
        const first = outline("drawn", recording);
        const whole = await viewRecording("drawn", recording, heap);
        const lines = [
          { line: unpack(first.line), each: 1, buckets: first.buckets, span: first.duration },
          { line: unpack(whole.line), each: SERIES, buckets: whole.buckets, span: whole.duration },
        ];
        for (const { line, each, buckets, span } of lines) {
          const expected = new Map<number, [least: number, most: number]>();
          bytes.forEach((value, at) => {
            const time = recording.head.duration === 0 ? at : (times[at] ?? 0);
            const bucket = Math.floor((time / span) * buckets);
            const [least, most] = expected.get(bucket) ?? [value, value];
            expected.set(bucket, [Math.min(least, value), Math.max(most, value)]);
          });
          let before = 0;
          for (let bucket = 0; bucket < buckets; bucket++) {
            const found = [line[bucket * each * 2], line[bucket * each * 2 + 1]];
            expect(found).toEqual(expected.get(bucket) ?? [before, before]);
            const inside = bytes.findLastIndex((_, at) => {
              const time = recording.head.duration === 0 ? at : (times[at] ?? 0);
              return Math.floor((time / span) * buckets) === bucket;
            });
            before = bytes[inside] ?? before;
          }
        }
        expect(unpack(whole.rate).reduce((sum, count) => sum + count, 0)).toBe(list.length);
        // What a replay has left in the heap does not matter to the next.
        return true;
      }),
      { numRuns: 20 },
    );
  });
});

describe("a frame", () => {
  it("has each page's state, each class's slabs and blocks, each thread's, and at the peak each block", async () => {
    const file = new URL("../../bench/traces/compiler.hkt", import.meta.url);
    const recording = decodeRecording(await readFile(file), "compiler.hkt");
    const view: RecordingView = await viewRecording("compiler.hkt", recording, await replayHeap("compact"));
    const { classes, peakFrame, pageBytes } = view;
    const pages = unpack(view.pages);
    const map = unpack(view.map);
    const figures = unpack(view.classFigures);
    const threads = unpack(view.threadFigures);
    const blocks = unpack(view.blocks);
    expect(map).toHaveLength(2 * pages.reduce((sum, count) => sum + count, 0));
    const start = 2 * pages.slice(0, peakFrame).reduce((sum, count) => sum + count, 0);
    const states = Array.from({ length: pages[peakFrame] ?? 0 }, (_, page) => map[start + 2 * page] ?? 0);
    const own = classes.map((_, index) => figures.slice((peakFrame * classes.length + index) * 3).slice(0, 3));
    classes.forEach((size, index) => {
      const slabs = states.filter((state) => state === PAGE_STATE.slab + index).length;
      expect(own[index]?.[0], `slabs of ${size}`).toBe(slabs);
    });
    // A block of a slab's class that found no room in one may lie among large ones.
    const small = own.reduce((sum, [, live = 0]) => sum + live, 0);
    expect(small).toBeLessThanOrEqual(blocks.length / 2);
    expect(threads[peakFrame * 3 + 1]).toBe(blocks.length / 2);
    let end = 0;
    for (let at = 0; at < blocks.length; at += 2) {
      const [address = 0, size = 0] = [blocks[at], blocks[at + 1]];
      expect(address).toBeGreaterThanOrEqual(end);
      end = address + size;
      const state = states[Math.floor(address / pageBytes)] ?? 0;
      expect([PAGE_STATE.none, PAGE_STATE.free, PAGE_STATE.metadata]).not.toContain(state);
      if (state >= PAGE_STATE.slab) expect(size).toBeLessThanOrEqual(classes[state - PAGE_STATE.slab] ?? 0);
    }
  });
});

describe("what cannot be shown", () => {
  it("is named", async () => {
    const directory = await temporary();
    const whole = await readFile(new URL("../../bench/traces/index.hkt", import.meta.url));
    const cases: [name: string, content: string | Buffer, message: RegExp][] = [
      ["cut.hkt", whole.subarray(0, whole.length - 100), /cut\.hkt: its end is missing/],
      ["bent.hkt", Buffer.concat([whole.subarray(0, 400), Buffer.alloc(99), whole.subarray(499)]), /damaged|missing/],
      ["empty.hkt", "", /empty\.hkt is empty/],
      [
        "text.txt",
        "some text",
        /text\.txt is neither a recording, nor a sample of a native heap, nor a profile in JSON/,
      ],
      ["it.folded", "a;b 12\nno number", /it\.folded: line 2 is no stack/],
      ["it.heapprofile", "{}", /it\.heapprofile is no heap profile of V8's/],
      ["it.pb.gz", Buffer.from([0x1f, 0x8b, 8, 0, 1]), /it\.pb\.gz is compressed, but no profile of pprof's/],
      ["raw", "HKPROF1", /raw is not a sample of a heap/],
    ];
    for (const [name, content, message] of cases) {
      const file = path.join(directory, name);
      await writeFile(file, content);
      await expect(viewFiles([file], ["default"]).all).rejects.toThrow(message);
    }
    await expect(viewFiles([path.join(directory, "none")], ["default"]).all).rejects.toThrow(/cannot be read/);
    const recording = new URL("../../bench/traces/index.hkt", import.meta.url).pathname;
    await expect(viewFiles([recording], ["nothing"]).all).rejects.toThrow(/there is no such profile/);
  });
});
