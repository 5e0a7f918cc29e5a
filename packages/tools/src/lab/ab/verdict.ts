/**
 * From an experiment's rounds to its verdict. A change must show itself: the whole confidence interval must lie beyond the
 * threshold, and nearly all rounds must agree, or the verdict is neutral.
 */

import { binomialDistribution, median, sum } from "simple-statistics";
import { DEFAULT_THRESHOLDS } from "../defaults.js";
import type { Series } from "../programs/suite.js";
import { estimateMedianRatio, type Estimate } from "../statistics.js";

export type Verdict = "adopt" | "neutral" | "refuse";

export interface Thresholds {
  /** A change of ns/op counts when it is larger than this part of the baseline's. */
  readonly time: number;
  /** More committed memory than this part of the baseline's is a reason to refuse. */
  readonly memory: number;
  /**
   * Instructions are the same each time, but not for programs that see addresses, as in hash tables of pointers: more or fewer by this part
   * of the baseline's is a change.
   */
  readonly instructions: number;
}

/** An interval wider than this, to either side, says more about the machine than about the variant. */
const NOISY = 0.05;

/** How probable agreement by chance may be for a verdict: six rounds of six will do, or nine of ten. */
const CHANCE = 0.05;

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
  return { verdict: combine(workloads), workloads };
}

/** What is to be done by all that was judged. */
export function combine(judged: readonly { readonly verdict: Verdict }[]): Verdict {
  const verdicts = new Set(judged.map(({ verdict }) => verdict));
  return verdicts.has("refuse") ? "refuse" : verdicts.has("adopt") ? "adopt" : "neutral";
}

/** A whole program under a variant, over the same under the baseline: below 1 it takes less. */
export interface ProgramVerdict {
  readonly program: string;
  readonly verdict: Verdict;
  readonly time: Estimate;
  /** Of what was resident at most; null where unknown. */
  readonly memory: number | null;
  /** Null where they were not counted. */
  readonly instructions: number | null;
  readonly misses: { readonly first: number; readonly last: number } | null;
  readonly reason: string;
}

/** Instructions decide where they were counted, and say more; otherwise it is time. */
export function judgeProgram(
  program: string,
  baseline: Omit<Series, "allocator">,
  variant: Omit<Series, "allocator">,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): ProgramVerdict {
  const time = estimateMedianRatio(variant.ms, baseline.ms);
  const over = (ours?: number | null, theirs?: number | null): number | null => (ours && theirs ? ours / theirs : null);
  const memory = over(variant.bytes, baseline.bytes);
  const instructions = over(variant.instructions, baseline.instructions);
  const first = over(variant.misses?.first, baseline.misses?.first);
  const last = over(variant.misses?.last, baseline.misses?.last);
  const byTime = decide(time, signTest(variant.ms, baseline.ms), memory, thresholds);
  const change = (instructions ?? 1) - 1;
  const byInstructions: Pick<ProgramVerdict, "verdict" | "reason"> | null =
    Math.abs(change) <= thresholds.instructions
      ? null
      : change > 0
        ? { verdict: "refuse", reason: `takes ${percent(change, 2)} more instructions` }
        : { verdict: "adopt", reason: `takes ${percent(-change, 2)} fewer instructions` };
  return {
    program,
    // What is certainly worse in one respect is not made good by the other.
    ...(byTime.verdict === "refuse" || byInstructions === null ? byTime : byInstructions),
    time,
    memory,
    instructions,
    misses: first === null || last === null ? null : { first, last },
  };
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
    ...decide(ratio, signTest(variant, baseline), memoryRatio, thresholds),
    ratio,
    baselineNet: median([...baseline]) - driver,
    variantNet: median([...variant]) - driver,
    memoryRatio,
  };
}

function decide(
  { low, high }: Estimate,
  agreement: number,
  memoryRatio: number | null,
  { time, memory }: Thresholds,
): Pick<WorkloadVerdict, "verdict" | "reason"> {
  if (memoryRatio !== null && memoryRatio > 1 + memory) {
    return { verdict: "refuse", reason: `takes ${percent(memoryRatio - 1)} more memory` };
  }
  const width = (high - low) / 2;
  if (width > NOISY) {
    return { verdict: "neutral", reason: `too noisy to tell (±${percent(width)}); repeat it on a quiet machine` };
  }
  const isCertain = agreement <= CHANCE;
  if (isCertain && low > 1 + time) return { verdict: "refuse", reason: `slower by ${percent(low - 1)} at least` };
  if (isCertain && high < 1 - time) return { verdict: "adopt", reason: `faster by ${percent(1 - high)} at least` };
  return { verdict: "neutral", reason: `no change beyond ${percent(time)} can be told` };
}

/**
 * The sign test: how probable it is that rounds agree so much, or more, on which of two is faster when neither is. A few rounds
 * have narrow bootstrap intervals by chance; this is what they cannot have by chance.
 */
function signTest(a: readonly number[], b: readonly number[]): number {
  const signs = a.map((value, round) => Math.sign(value - (b[round] ?? value))).filter((sign) => sign !== 0);
  const minority = Math.min(signs.filter((sign) => sign > 0).length, signs.filter((sign) => sign < 0).length);
  // The lower tail, which is as long as the upper: the library leaves out what is hardly ever reached at the upper end.
  const chances = binomialDistribution(signs.length, 0.5) ?? [1];
  return Math.min(1, 2 * sum(chances.slice(0, minority + 1)));
}

export function percent(fraction: number, digits = 1): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}
