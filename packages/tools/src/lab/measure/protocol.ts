/** What the planning process asks of a measuring process, and what it gets back. Plain data: it travels as messages. */

import type { LabTarget } from "../target.js";

export interface SampleRequest {
  readonly workload: string;
  /** Label of the peer, see `labelOf`. */
  readonly peer: string;
  readonly target: LabTarget;
  readonly threads: number;
  /** Path of the linked module; null for a peer called from JavaScript. */
  readonly module: string | null;
  /** Steps of one timed run. */
  readonly steps: number;
  /** Timed runs on one fresh heap. */
  readonly runs: number;
  /** Runs to try when the machine disturbs some, at least `runs`. */
  readonly mostRuns: number;
  /** Fastest time of the calibration that any process of this session has seen, in nanoseconds; null in the beginning. */
  readonly calibration: number | null;
  /** Least milliseconds of running, on heaps that are thrown away, before the first sample of this module and workload. */
  readonly warmupMilliseconds: number;
  /** Also record committed and live memory at this many points of one more run; 0: do not. */
  readonly timelinePoints: number;
}

export interface MemoryPoint {
  readonly operations: number;
  readonly committedBytes: number;
  readonly liveBytes: number;
}

/** One visit to one peer: a fresh heap, warmed, with one or more timed runs. */
export interface Sample {
  /** Operations of each run, by all threads. */
  readonly operations: number;
  /** Wall time of each run that the machine did not disturb, or of all if it disturbed all. */
  readonly nanoseconds: readonly number[];
  /** Whether it disturbed all. */
  readonly disturbed: boolean;
  /** Fastest time of the calibration so far, see `timed-runs.ts`; null where there is none. */
  readonly calibration: number | null;
  /** What the driver read back from the blocks, in hexadecimal. */
  readonly checksum: string;
  /** Most bytes that the heap ever took from its memory; null where that cannot be known. */
  readonly peakBytes: number | null;
  /** Most bytes in live blocks at one time, as requested; with several threads, those at the end. Null where unknown. */
  readonly liveBytes: number | null;
  readonly timeline: readonly MemoryPoint[];
}

export type ChildMessage =
  | { readonly type: "ready"; readonly node: string; readonly v8: string }
  | { readonly type: "sample"; readonly id: number; readonly sample: Sample }
  | { readonly type: "failure"; readonly id: number; readonly message: string };

export interface ParentMessage {
  readonly id: number;
  readonly request: SampleRequest;
}
