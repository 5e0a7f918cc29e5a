import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { convertRecording } from "../../packages/tools/src/observe/recording/convert.js";
import { KIND, makeEvents, SlotNumbers, type Events } from "../../packages/tools/src/observe/recording/events.js";
import {
  decodeRecording,
  encodeBlock,
  encodeHead,
  TIME_UNIT,
} from "../../packages/tools/src/observe/recording/format.js";
import { traceOf } from "../../packages/tools/src/lab/recordings.js";
import { WORKLOADS } from "../../packages/tools/src/lab/workloads.js";

const TRACES = fileURLToPath(new URL("../../bench/traces/", import.meta.url));

/** Any sequence of events that a program could have made, with the slots that the format gives them. */
const anyEvents = fc
  .array(
    fc.record({
      kind: fc.integer({ min: 0, max: 3 }),
      pick: fc.nat(),
      size: fc.oneof(fc.nat(300), fc.maxSafeNat()),
      alignment: fc.integer({ min: 0, max: 63 }),
      thread: fc.nat(5),
      pause: fc.oneof(fc.nat(10), fc.nat(2 ** 40)),
    }),
    { maxLength: 200 },
  )
  .map((steps) => {
    const events = makeEvents(steps.length);
    const numbers = new SlotNumbers();
    const live: number[] = [];
    let time = 0;
    steps.forEach(({ kind: wanted, pick, size, alignment, thread, pause }, i) => {
      const kind = live.length === 0 && (wanted === KIND.free || wanted === KIND.realloc) ? KIND.malloc : wanted;
      const isNew = kind === KIND.malloc || kind === KIND.aligned;
      const at = pick % Math.max(1, live.length);
      const slot = isNew ? numbers.take() : (live[at] ?? 0);
      if (isNew) live.push(slot);
      if (kind === KIND.free) {
        live.splice(at, 1);
        numbers.give(slot);
      }
      time += pause * TIME_UNIT;
      events.kinds[i] = kind;
      events.slots[i] = slot;
      events.sizes[i] = kind === KIND.free ? 0 : size;
      events.alignments[i] = kind === KIND.aligned ? alignment : 0;
      events.threads[i] = thread;
      events.times[i] = time;
    });
    return { events, slots: numbers.most };
  });

function file(events: Events, slots: number): Buffer {
  const head = { version: 2, program: "any", threads: 6, duration: 0, peakBytes: 0, sampledFrom: 1 } as const;
  const block = events.count === 0 ? [] : [encodeBlock(events, { thread: 0, time: 0 }, 1)];
  return Buffer.concat([encodeHead({ ...head, events: events.count, slots }), ...block]);
}

const read = (bytes: Uint8Array): Events[] => [...decodeRecording(bytes, "it").blocks()];

describe("the format of recordings", () => {
  it("gives back what was put in", () => {
    fc.assert(
      fc.property(anyEvents, ({ events, slots }) => {
        const blocks = read(file(events, slots));
        expect(blocks).toEqual(events.count === 0 ? [] : [events]);
      }),
    );
  });

  it("answers any damage with an error that names the file, and nothing else", () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ events, slots }, at, change) => {
        const bytes = file(events, slots);
        const cut = bytes.subarray(0, at % bytes.length);
        expect(() => read(cut)).toThrow(/^it/);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        try {
          read(bytes);
        } catch (error) {
          expect((error as Error).message).toMatch(/^it/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("refuses what is no recording", () => {
    expect(() => decodeRecording(Buffer.from("PNG and more"), "picture")).toThrow(
      /picture is not a recording: it begins with "PNG "/,
    );
  });

  it("can be read up to the last whole block of a file whose end is missing", () => {
    const events = makeEvents(1);
    events.sizes[0] = 5;
    const head = encodeHead({
      ...{ version: 2, program: "any", events: 2, slots: 2, threads: 1, duration: 0, peakBytes: 0, sampledFrom: 1 },
    });
    const carry = { thread: 0, time: 0 };
    const [first, second] = [encodeBlock(events, carry, 1), encodeBlock(events, carry, 1)];
    const cut = Buffer.concat([head, first, second.subarray(0, second.length - 1)]);
    const seen: number[] = [];
    expect(() => {
      for (const { count } of decodeRecording(cut, "it").blocks()) seen.push(count);
    }).toThrow("its end is missing; 1 of 2 events are there");
    expect(seen).toEqual([1]);
  });
});

describe("the shipped recordings", () => {
  it.each(WORKLOADS.flatMap(({ trace }) => trace ?? []))("%s frees all that it allocates", (name) => {
    const { events, slots } = traceOf(decodeRecording(readFileSync(path.join(TRACES, name)), name), Infinity);
    const live = new Set<number>();
    for (let i = 0; i < events.length; i += 2) {
      const [word = 0] = [events[i]];
      if ((word & 3) === KIND.malloc) live.add(word >> 2);
      else expect(live.has(word >> 2)).toBe(true);
      if ((word & 3) === KIND.free) live.delete(word >> 2);
    }
    expect(live.size).toBe(0);
    expect(events.length).toBeGreaterThan(100_000);
    expect(slots).toBeLessThan(100_000);
  });

  it("are all in use", () => {
    const files = readdirSync(TRACES).filter((name) => name.endsWith(".hkt"));
    expect(files.sort()).toEqual(WORKLOADS.flatMap(({ trace }) => trace ?? []).sort());
  });
});

const CHUNK = 1 << 16;

/** A number as native/recording.h writes it. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

interface RawStep {
  readonly kind: number;
  readonly ticks: number;
  readonly address: number;
  readonly old?: number;
  readonly size?: number;
}

/** A chunk of one thread's events. */
function chunk(number: number, thread: number, ticks: number, steps: readonly RawStep[]): Buffer {
  let [time, last] = [ticks, 0];
  const delta = (address: number): number[] => {
    const difference = address / 8 - last;
    last = address / 8;
    return varint(difference < 0 ? -2 * difference - 1 : 2 * difference);
  };
  const events = steps.flatMap(({ kind, ticks: now, address, old = 0, size = 0 }) => {
    const passed = now - time;
    time = now;
    return [
      ...varint(passed * 4 + kind),
      ...(kind === KIND.free ? [] : varint(size)),
      ...(kind === KIND.realloc ? delta(old) : []),
      ...delta(address),
      ...(kind === KIND.realloc ? varint(1) : []),
      ...(kind === KIND.aligned ? [6] : []),
    ];
  });
  const bytes = Buffer.alloc(CHUNK);
  bytes.write("HKCALLS");
  [1, thread, number, ticks, ticks * 10, events.length].forEach((value, index) => {
    bytes.writeBigUInt64LE(BigInt(value), 8 * (index + 1));
  });
  Buffer.from(events).copy(bytes, 56);
  return bytes;
}

function converted(raw: Buffer, events?: number) {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [from, output] = [path.join(directory, "raw"), path.join(directory, "out.hkt")];
  writeFileSync(from, raw);
  const head = convertRecording({ raw: from, output, program: "it", ...(events === undefined ? {} : { events }) });
  expect(readdirSync(directory).sort()).toEqual(["out.hkt", "raw"]);
  const blocks = [...decodeRecording(readFileSync(output), output).blocks()];
  const steps = blocks.flatMap(({ count, kinds, slots, sizes, threads }) =>
    Array.from({ length: count }, (_, i) => [kinds[i], slots[i], sizes[i], threads[i]]),
  );
  return { head, steps };
}

describe("a raw recording", () => {
  it("becomes one in which all threads' events are in the order of time", () => {
    const mine = chunk(0, 7, 100, [
      { kind: KIND.malloc, ticks: 100, address: 0x1000, size: 50 },
      { kind: KIND.free, ticks: 130, address: 0x2000 },
    ]);
    const theirs = chunk(1, 9, 110, [
      { kind: KIND.malloc, ticks: 110, address: 0x2000, size: 60 },
      { kind: KIND.realloc, ticks: 120, address: 0x3000, old: 0x1000, size: 70 },
      { kind: KIND.free, ticks: 140, address: 0x3000 },
    ]);
    const { head, steps } = converted(Buffer.concat([mine, theirs]));
    expect(steps).toEqual([
      [KIND.malloc, 0, 50, 0],
      [KIND.malloc, 1, 60, 1],
      [KIND.realloc, 0, 70, 1],
      [KIND.free, 1, 0, 0],
      [KIND.free, 0, 0, 1],
    ]);
    expect(head).toMatchObject({ events: 5, slots: 2, threads: 2, peakBytes: 130, duration: 400 });
  });

  it("may have a block's end a moment after another has its place, and blocks from before, and others that stay", () => {
    const raw = chunk(0, 7, 100, [
      { kind: KIND.free, ticks: 100, address: 0x9000 },
      { kind: KIND.malloc, ticks: 101, address: 0x1000, size: 10 },
      { kind: KIND.malloc, ticks: 102, address: 0x1000, size: 20 },
      { kind: KIND.free, ticks: 103, address: 0x1000 },
      { kind: KIND.realloc, ticks: 104, address: 0x4000, old: 0x8000, size: 30 },
    ]);
    expect(converted(raw).steps).toEqual([
      [KIND.malloc, 0, 10, 0],
      [KIND.malloc, 1, 20, 0],
      [KIND.free, 0, 0, 0],
      [KIND.malloc, 0, 30, 0],
      [KIND.free, 1, 0, 0],
      [KIND.free, 0, 0, 0],
    ]);
  });

  it("has a share of its blocks kept, each with all of its life", () => {
    const steps = Array.from({ length: 1000 }, (_, i) => [
      { kind: KIND.malloc, ticks: 100 + 2 * i, address: 0x1000 * (i + 1), size: i },
      { kind: KIND.free, ticks: 101 + 2 * i, address: 0x1000 * (i + 1) },
    ]).flat();
    const { head, steps: kept } = converted(chunk(0, 1, 100, steps), 200);
    expect(head.sampledFrom).toBeCloseTo(10);
    expect(kept.length).toBeGreaterThan(150);
    expect(kept.length).toBeLessThan(250);
    expect(kept.filter(([kind]) => kind === KIND.malloc).length * 2).toBe(kept.length);
  });

  it("may have chunks that were never begun, but must be one", () => {
    const events = [{ kind: KIND.malloc, ticks: 100, address: 0x1000, size: 8 }];
    expect(converted(Buffer.concat([chunk(0, 1, 100, events), Buffer.alloc(CHUNK)])).head.events).toBe(2);
    expect(() => converted(Buffer.alloc(CHUNK))).toThrow(/raw is not a raw recording/);
    expect(() => converted(Buffer.alloc(10))).toThrow(/raw is not a raw recording/);
    const damaged = chunk(0, 1, 100, events);
    damaged.writeBigUInt64LE(1n << 40n, 48);
    expect(() => converted(damaged)).toThrow(/is damaged: chunk 0/);
    damaged.writeBigUInt64LE(2n, 48);
    expect(() => converted(damaged)).toThrow(/is damaged in chunk 0/);
  });
});
