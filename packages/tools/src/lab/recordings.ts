/** Recordings as workloads: their events as the driver of `bench/workloads/trace-replay.ts` reads them. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ROOT } from "../base/paths.js";
import { KIND } from "../observe/recording/events.js";
import { decodeRecording, type Recording } from "../observe/recording/format.js";
import { keptShare, sampledBlocks } from "../observe/recording/sample.js";
import type { Workload } from "./workload.js";

/** A block is touched at its first four bytes: no request is smaller. */
const LEAST_SIZE = 4;
const MOST_SIZE = 2 ** 32 - 1;
const PREFIX = "recording:";
const MIB = 2 ** 20;

export interface Trace {
  /** Two numbers an event: `slot << 2 | kind`, and the size in bytes (0 for a free). */
  readonly events: Uint32Array;
  /** How many slots are in use at the same time at most. */
  readonly slots: number;
  /** Bytes of the largest block. */
  readonly largest: number;
}

/** The recordings that the lab brings with it. */
export const SHIPPED = path.join(ROOT, "bench", "traces");

export async function readRecording(file: string): Promise<Recording> {
  return decodeRecording(await readFile(file), file);
}

/** The events of a workload's recording, which this process keeps. Rejects with `ExplainedError` when there is none. */
export function readTrace({ trace, mostEvents = Number.POSITIVE_INFINITY }: Workload): Promise<Trace> {
  const file = path.resolve(SHIPPED, trace ?? "");
  const key = `${mostEvents} ${file}`;
  const read = traces.get(key) ?? readRecording(file).then((recording) => traceOf(recording, mostEvents));
  traces.set(key, read);
  return read;
}

/** To decode one takes longer than to replay it. */
const traces = new Map<string, Promise<Trace>>();

/** At most about `most` events: of some blocks all, of others none. */
export function traceOf(recording: Recording, most: number): Trace {
  const words: number[] = [];
  let largest = 0;
  const slots = sampledBlocks(recording, keptShare(recording.head, most), (kind, slot, size) => {
    const asked = kind === KIND.free ? 0 : Math.min(MOST_SIZE, Math.max(LEAST_SIZE, size));
    largest = Math.max(largest, asked);
    words.push(slot * 4 + (kind === KIND.aligned ? KIND.malloc : kind), asked);
  });
  return { events: Uint32Array.from(words), slots, largest };
}

/** A recording of a file, and how many events of it are replayed at most; `trace` has these. */
export function recordingWorkload(file: string, mostEvents: number, { events, largest }: Trace): Workload {
  return workloadOf(file, mostEvents, ringFor(largest), events.length / 2);
}

function workloadOf(file: string, mostEvents: number, ringBytes: number, events: number): Workload {
  const name = path.basename(file, path.extname(file));
  return {
    id: `${PREFIX}${mostEvents}:${ringBytes}:${path.resolve(file)}`,
    family: "recording",
    driver: "single",
    params: { recording: name, events },
    functions: "trace",
    args: [],
    trace: path.resolve(file),
    mostEvents,
    steps: events,
    quickSteps: events,
    ringBytes,
    threads: (count) => count === 1,
  };
}

const LEAST_RING = 2 * MIB;
const MOST_RING = 1024 * MIB;

/** The null allocator's ring holds each block. */
function ringFor(largest: number): number {
  let ring = LEAST_RING;
  while (ring < largest && ring < MOST_RING) ring *= 2;
  return ring;
}

/** The workload of such a name; undefined when it is none of these. */
export function recordingById(id: string): Workload | undefined {
  const found = /^recording:(\d+|Infinity):(\d+):(.+)$/s.exec(id);
  return found?.[3] === undefined ? undefined : workloadOf(found[3], Number(found[1]), Number(found[2]), 0);
}
