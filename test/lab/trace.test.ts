import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  decodeTrace,
  encodeTrace,
  FREE,
  MALLOC,
  REALLOC,
  type Trace,
} from "../../packages/tools/src/lab/trace/format.js";
import { sampleRecording } from "../../packages/tools/src/lab/trace/sample.js";
import { WORKLOADS } from "../../packages/tools/src/lab/workloads.js";

const TRACES = fileURLToPath(new URL("../../bench/traces/", import.meta.url));

const malloc = (slot: number, size: number): number[] => [slot * 4 + MALLOC, size];
const free = (slot: number): number[] => [slot * 4 + FREE, 0];
const realloc = (slot: number, size: number): number[] => [slot * 4 + REALLOC, size];

function trace(slots: number, ...events: number[][]): Trace {
  return { slots, events: Uint32Array.from(events.flat()) };
}

/** Events as the recorder writes them. */
function recording(...events: [kind: number, address: number, size: number][]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(events.flat().map(BigInt)).buffer);
}

const everything = Number.POSITIVE_INFINITY;

describe("the trace format", () => {
  it("gives back what was put in", () => {
    const original = trace(
      2,
      malloc(0, 100),
      malloc(1, 2_000_000),
      realloc(0, 70),
      free(1),
      malloc(1, 4),
      free(0),
      free(1),
    );
    expect(decodeTrace(encodeTrace(original))).toEqual(original);
  });

  it("refuses what is not a trace", () => {
    expect(() => decodeTrace(Buffer.from("PNG and more than that"))).toThrow(/not a trace.*"PNG "/);
  });

  it("refuses a trace that ends within its events", () => {
    const file = encodeTrace(trace(1, malloc(0, 16), free(0)));
    file.writeUInt32LE(3, 8);
    expect(() => decodeTrace(file)).toThrow(/ends within an event/);
  });
});

describe("a recording", () => {
  it("becomes a trace in which a block keeps its slot through realloc", () => {
    const events = recording([0, 0x1000, 50], [2, 0x1000, 80], [3, 0x2000, 80], [1, 0x2000, 0]);
    expect(sampleRecording(events, everything)).toEqual(trace(1, malloc(0, 50), realloc(0, 80), free(0)));
  });

  it("frees at its end what the program never freed", () => {
    const events = recording([0, 0x1000, 50], [0, 0x2000, 60], [1, 0x1000, 0]);
    expect(sampleRecording(events, everything)).toEqual(trace(2, malloc(0, 50), malloc(1, 60), free(0), free(1)));
  });

  it("leaves out blocks that are older than itself", () => {
    expect(sampleRecording(recording([1, 0x1000, 0], [0, 0x2000, 20], [1, 0x2000, 0]), everything).events.length).toBe(
      4,
    );
  });

  it("raises sizes below four bytes, which a driver could not touch", () => {
    expect(sampleRecording(recording([0, 0x1000, 0], [1, 0x1000, 0]), everything).events[1]).toBe(4);
  });

  it("is thinned to about the wanted number of events, whole lives only", () => {
    const lives = Array.from({ length: 5000 }, (_, block): [number, number, number][] => [
      [0, 0x1000 + block, 32],
      [1, 0x1000 + block, 0],
    ]);
    const { events } = sampleRecording(recording(...lives.flat()), 1000);
    expect(events.length / 2).toBeGreaterThan(800);
    expect(events.length / 2).toBeLessThan(1200);
    const frees = [...events].filter((word, index) => index % 2 === 0 && (word & 3) === FREE);
    expect(frees.length).toBe(events.length / 4);
  });
});

describe("the shipped traces", () => {
  const files = readdirSync(TRACES).filter((name) => name.endsWith(".trace"));

  it("are those that the catalogue names", () => {
    expect(WORKLOADS.flatMap(({ trace }) => (trace === undefined ? [] : [trace])).sort()).toEqual(files.sort());
  });

  it.each(files)("%s frees each block once and all in the end", (name) => {
    const { events, slots } = decodeTrace(readFileSync(TRACES + name));
    const taken = new Set<number>();
    const wrong: string[] = [];
    for (let i = 0; i < events.length; i += 2) {
      const [word = 0, size = 0] = [events[i], events[i + 1]];
      const [slot, kind] = [word >>> 2, word & 3];
      if (slot >= slots || taken.has(slot) !== (kind !== MALLOC)) wrong.push(`slot ${slot} in event ${i / 2}`);
      if (kind !== FREE && size < 4) wrong.push(`size ${size} in event ${i / 2}`);
      if (kind === MALLOC) taken.add(slot);
      if (kind === FREE) taken.delete(slot);
    }
    expect(wrong).toEqual([]);
    expect(taken.size).toBe(0);
  });
});
