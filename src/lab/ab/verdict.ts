/**
 * From an experiment's rounds to its verdict. A change must show itself: the whole confidence interval must lie beyond the
 * threshold, or the verdict is neutral.
 */

import { median } from "simple-statistics";
import { estimateMedianRatio, type Estimate } from "../statistics.js";

export type Verdict = "adopt" | "neutral" | "refuse";

export interface Thresholds {
  /** A change of ns/op counts when it is larger than this part of the baseline's. */
  readonly time: number;
  /** More committed memory than this part of the baseline's is a reason to refuse. */
  readonly memory: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = { time: 0.01, memory: 0.1 };

/** An interval wider than this, to either side, says more about the machine than about the variant. */
const NOISY = 0.05;

/** What a baseline and a variant cost under one workload. */
export interface Comparison {
  readonly workload: string;
  /** ns/op of each round, driver included; the same rounds for all three. */
  readonly baseline: readonly number[];
  readonly variant: readonly number[];
  readonly nothing: readonly number[];
  readonly baselinePeakBytes: number | null;
  readonly variantPeakBytes: number | null;
}

export interface WorkloadVerdict {
  readonly workload: string;
  readonly verdict: Verdict;
  /** Time of the variant over the baseline's, driver included: below 1 is faster. */
  readonly ratio: Estimate;
  /** Medians, net of the null allocator, in ns/op. */
  readonly baselineNet: number;
  readonly variantNet: number;
  /** Committed memory of the variant over the baseline's; null where unknown. */
  readonly memoryRatio: number | null;
  readonly reason: string;
}

export interface ExperimentVerdict {
  readonly verdict: Verdict;
  readonly workloads: readonly WorkloadVerdict[];
}

/**
 * One workload that got worse refuses the variant; otherwise one that got better is enough to adopt it. Every workload that the
 * project cares about must therefore be among them.
 */
export function judge(
  comparisons: readonly Comparison[],
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): ExperimentVerdict {
  const workloads = comparisons.map((comparison) => judgeWorkload(comparison, thresholds));
  const verdicts = new Set(workloads.map(({ verdict }) => verdict));
  const verdict = verdicts.has("refuse") ? "refuse" : verdicts.has("adopt") ? "adopt" : "neutral";
  return { verdict, workloads };
}

function judgeWorkload(comparison: Comparison, thresholds: Thresholds): WorkloadVerdict {
  const { workload, baseline, variant, nothing, baselinePeakBytes, variantPeakBytes } = comparison;
  const ratio = estimateMedianRatio(variant, baseline);
  const memoryRatio =
    baselinePeakBytes === null || variantPeakBytes === null || baselinePeakBytes === 0
      ? null
      : variantPeakBytes / baselinePeakBytes;
  const driver = median([...nothing]);
  return {
    workload,
    ...decide(ratio, memoryRatio, thresholds),
    ratio,
    baselineNet: median([...baseline]) - driver,
    variantNet: median([...variant]) - driver,
    memoryRatio,
  };
}

function decide(
  { low, high }: Estimate,
  memoryRatio: number | null,
  { time, memory }: Thresholds,
): Pick<WorkloadVerdict, "verdict" | "reason"> {
  if (low > 1 + time) return { verdict: "refuse", reason: `slower by ${percent(low - 1)} at least` };
  if (memoryRatio !== null && memoryRatio > 1 + memory) {
    return { verdict: "refuse", reason: `takes ${percent(memoryRatio - 1)} more memory` };
  }
  if (high < 1 - time) return { verdict: "adopt", reason: `faster by ${percent(1 - high)} at least` };
  const width = (high - low) / 2;
  return width > NOISY
    ? { verdict: "neutral", reason: `too noisy to tell (±${percent(width)}); repeat it on a quiet machine` }
    : { verdict: "neutral", reason: `no change beyond ${percent(time)} can be told` };
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
