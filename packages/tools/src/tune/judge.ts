/** What counts as a gain, and as a loss. */

import type { TimeRatio } from "./timing.js";

export const OBJECTIVES = ["memory", "time", "both"] as const;
/** What a profile is tuned for; `both`: no loss in either beyond the noise, and then the larger gain. */
export type Objective = (typeof OBJECTIVES)[number];

/** Parts of the baseline's: below 1 is less. */
export interface Ratios {
  /** Geometric mean over recordings. */
  readonly memory: number;
  /** Null where it was not measured, or cannot be told from the driver's. */
  readonly time: TimeRatio;
}

/** What a gain must be to count, as a part of the baseline's: less is not worth a profile. */
export const LEAST_GAIN = 0.02;
/** More memory than this is a loss. In WebAssembly it is a page of 64 KiB in 6 MiB. */
const LOSS = 0.01;
/** An interval of time wider than this, to either side, says more about the machine than about the profile. */
const VAGUE = 0.05;
/** What one choice must gain over another to replace it: a simpler profile is better. */
const LEAST_STEP = 0.005;

/** A median above this is a loss, were the interval as wide as it may be. */
const SLOWER = 0.05;

/** Whether the whole interval of time lies above 1 by more than `LOSS`, or its median far above. */
export const isSlower = ({ time }: Ratios): boolean =>
  time !== null && (time.low > 1 + LOSS || time.value > 1 + SLOWER);
const isFaster = ({ time }: Ratios): boolean => time !== null && time.high < 1;

/** The lower the better; infinite where something is lost that must not be. */
export function scoreOf(ratios: Ratios, objective: Objective): number {
  const { memory, time } = ratios;
  const gained = isFaster(ratios) ? Math.log(time?.value ?? 1) : 0;
  switch (objective) {
    case "memory":
      return Math.log(memory);
    case "time":
      return isSlower(ratios) ? Number.POSITIVE_INFINITY : gained;
    case "both":
      return memory > 1 + LOSS || isSlower(ratios) ? Number.POSITIVE_INFINITY : Math.log(memory) + gained;
  }
}

/**
 * Whether one choice is so much better than another that it is worth a change: by less memory, which is exact, or by time whose whole interval lies
 * below the other's median.
 */
export function isBetter(choice: Ratios, before: Ratios, objective: Objective): boolean {
  if (!(scoreOf(choice, objective) < scoreOf(before, objective) - LEAST_STEP)) return false;
  if (objective !== "time" && choice.memory < before.memory * (1 - LEAST_STEP)) return true;
  return choice.time !== null && choice.time.high < (before.time?.value ?? 1);
}

export interface Verdict {
  readonly pays: boolean;
  readonly reason: string;
}

/** Whether a profile pays, by what it did on recordings that it was not tuned for. */
export function verdictOn(ratios: Ratios, objective: Objective): Verdict {
  const { memory, time } = ratios;
  const less = memory <= 1 - LEAST_GAIN;
  const faster = time !== null && time.high <= 1 - LEAST_GAIN;
  const found = `memory ${change(memory)}, time ${time === null ? "not to be told" : `${change(time.value)} (${change(time.low)} to ${change(time.high)})`}`;
  const refuse = (why: string): Verdict => ({ pays: false, reason: `it does not pay: ${why} (${found})` });
  if (objective !== "time" && memory > 1 + LOSS) return refuse("it takes more memory");
  if (objective !== "memory" && isSlower(ratios)) return refuse("it is slower");
  const gains = objective === "memory" ? less : objective === "time" ? faster : less || faster;
  if (!gains) return refuse(`no gain of ${(100 * LEAST_GAIN).toFixed(0)} % is certain`);
  const isVague = time !== null && time.high - time.low > 2 * VAGUE;
  const doubt = isVague ? "; the machine was too busy to tell time closely, more --rounds or a quiet one would" : "";
  return { pays: true, reason: `it pays: ${found}${doubt}` };
}

/** `-8.3 %`. */
export function change(ratio: number): string {
  const percent = 100 * (ratio - 1);
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}

/** The geometric mean, as of ratios; 1 of none. */
export function meanRatio(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / Math.max(1, ratios.length));
}
