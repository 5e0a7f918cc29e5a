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
  const slots = sampledBlocks(recording, keptShare(recording.head, most), (kind, slot, size) => {
    const asked = kind === KIND.free ? 0 : Math.min(MOST_SIZE, Math.max(LEAST_SIZE, size));
    words.push(slot * 4 + (kind === KIND.aligned ? KIND.malloc : kind), asked);
  });
  return { events: Uint32Array.from(words), slots };
}

/** A recording of a file, and how many events of it are replayed at most; `events`: how many these are. */
export function recordingWorkload(file: string, mostEvents: number, events = 0): Workload {
  const name = path.basename(file, path.extname(file));
  return {
    id: `${PREFIX}${mostEvents}:${path.resolve(file)}`,
    family: "recording",
    driver: "single",
    params: { recording: name, events },
    functions: "trace",
    args: [],
    trace: path.resolve(file),
    mostEvents,
    steps: events,
    quickSteps: events,
    ringBytes: 2 * MIB,
    threads: (count) => count === 1,
  };
}

/** The workload of such a name; undefined when it is none of these. */
export function recordingById(id: string): Workload | undefined {
  const found = /^recording:(\d+|Infinity):(.+)$/s.exec(id);
  return found?.[2] === undefined ? undefined : recordingWorkload(found[2], Number(found[1]));
}
