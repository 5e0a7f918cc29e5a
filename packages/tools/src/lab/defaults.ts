/** What a measurement does unless it is asked for something else. */

/** Interleaved rounds; with `--quick`. */
export const ROUNDS = 11;
export const QUICK_ROUNDS = 4;

/** No ratio is told whose interval is wider than this, to either side. */
export const DEFAULT_WIDEST = 0.1;

/** What counts when a variant is judged: see `Thresholds`. */
export const DEFAULT_THRESHOLDS = { time: 0.01, memory: 0.1, instructions: 0.01 } as const;

/** Workloads that a variant is judged by. */
export const AB_WORKLOADS = ["random-mixed/400", "c6-heavy"];
