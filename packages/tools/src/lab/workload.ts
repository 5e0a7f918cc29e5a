/** What a workload is. The catalogue is in ./workloads.ts; ./recordings.ts makes others. */

/** Which driver runs a workload: one instance, one instance a thread, or a loop in JavaScript. */
export type Driver = "single" | "threads" | "script";

export interface Workload {
  /** Unique, `family` or `family/variant`; what the command line selects by. */
  readonly id: string;
  /** Name in results, together with `params`. */
  readonly family: string;
  readonly driver: Driver;
  readonly params: Readonly<Record<string, number | string>>;
  /** The exported pair `<functions>_begin`, `<functions>_run`. */
  readonly functions: string;
  /** Arguments of `_begin`. */
  readonly args: readonly number[];
  /** A recording: file name in `bench/traces/`, or an absolute path. */
  readonly trace?: string;
  /** How many of its events are replayed at most; all by default. */
  readonly mostEvents?: number;
  /** Steps of one timed run; fixed, so that checksums can be compared. */
  readonly steps: number;
  /** Steps of one timed run in a quick session. */
  readonly quickSteps: number;
  /** Size of the null allocator's ring, a power of two near what the workload keeps live, in bytes. */
  readonly ringBytes: number;
  /** Whether a number of threads makes sense. */
  readonly threads: (count: number) => boolean;
}
