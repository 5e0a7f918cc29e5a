/** An experiment with workloads: a baseline and variants, measured together and judged. */

import { alignColumns } from "../../base/columns.js";
import { THIS_NODE } from "../node-versions.js";
import { NULL_PEER } from "../peers/null.js";
import { describeHost } from "../results.js";
import { commonRounds } from "../rounds.js";
import { runSession, type Cell, type Progress } from "../session.js";
import type { Workload } from "../workloads.js";
import type { Judged, JudgedVariant } from "./record.js";
import { percent, judge, type ExperimentVerdict, type Thresholds } from "./verdict.js";
import { peerOf, type Variant } from "./variant.js";

export const EXPERIMENT_VERSION = 1;

export interface ExperimentOptions {
  readonly baseline: Variant;
  readonly variants: readonly Variant[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly runs: number;
  /** Shorter runs, and one process for all rounds. */
  readonly quick?: boolean;
  readonly thresholds: Thresholds;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Results as data, version 1, with the same promise as those of `hakmem bench`. */
export interface Experiment extends Judged {
  readonly version: typeof EXPERIMENT_VERSION;
  readonly variants: readonly VariantResult[];
}

/** The verdict is null when the variant or the baseline could not be measured; `failure` says why. */
export interface VariantResult extends JudgedVariant {
  readonly workloads: ExperimentVerdict["workloads"];
  readonly failure: string | null;
}

const BASELINE = "baseline";

export async function runExperiment(options: ExperimentOptions): Promise<Experiment> {
  const { baseline, variants, workloads, rounds, runs, quick = false, thresholds, signal, onProgress } = options;
  const names = variants.map((_, index) => `variant-${index + 1}`);
  const session = await runSession({
    workloads,
    peers: [
      NULL_PEER,
      peerOf(baseline, BASELINE),
      ...variants.map((variant, index) => peerOf(variant, names[index] ?? "")),
    ],
    targets: ["wasm32"],
    threads: [1],
    nodes: [THIS_NODE],
    rounds,
    runs,
    quick,
    freshProcesses: !quick,
    timeline: false,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const cellsOf = (name: string): Cell[] => session.cells.filter(({ peer }) => peer.name === name);
  return {
    version: EXPERIMENT_VERSION,
    host: describeHost(),
    node: THIS_NODE.version,
    incomplete: session.incomplete,
    rounds: session.rounds,
    thresholds,
    baseline: baseline.spec,
    variants: variants.map((variant, index) => ({
      variant: variant.spec,
      commit: variant.commit,
      ...compare(cellsOf(NULL_PEER.name), cellsOf(BASELINE), cellsOf(names[index] ?? ""), thresholds),
    })),
  };
}

function compare(
  nothing: readonly Cell[],
  baseline: readonly Cell[],
  variant: readonly Cell[],
  thresholds: Thresholds,
): Pick<VariantResult, "verdict" | "workloads" | "failure"> {
  const failed = [...baseline, ...variant].find(({ failure }) => failure !== null);
  if (failed !== undefined) {
    return { verdict: null, workloads: [], failure: `${failed.peer.name}, ${failed.workload.id}: ${failed.failure}` };
  }
  if (baseline.some(({ rounds }) => rounds.length === 0)) {
    return { verdict: null, workloads: [], failure: "interrupted before a round was finished" };
  }
  const comparisons = baseline.map((base, index) => {
    const [other, driver] = [variant[index], nothing[index]];
    if (other === undefined || driver === undefined)
      throw new Error(`${base.workload.id} was not planned for every variant`);
    const [baseRounds = [], otherRounds = [], driverRounds = []] = commonRounds([base, other, driver]);
    return {
      workload: base.workload.id,
      baseline: baseRounds,
      variant: otherRounds,
      nothing: driverRounds,
      baselinePeakBytes: base.peakBytes,
      variantPeakBytes: other.peakBytes,
    };
  });
  return { ...judge(comparisons, thresholds), failure: null };
}

export function formatExperiment({ variants, baseline, rounds, incomplete, thresholds }: Experiment): string {
  const head = `baseline ${baseline}, ${rounds} interleaved rounds${incomplete ? ", INCOMPLETE" : ""}`;
  const rule = `A variant is adopted when its ns/op is certainly more than ${percent(thresholds.time)} below the baseline's on one workload,
and refused when it is certainly as much above on one, or takes ${percent(thresholds.memory)} more memory.`;
  return [head, ...variants.map(formatVariant), rule].join("\n\n") + "\n";
}

function formatVariant({ variant, verdict, workloads, failure }: VariantResult): string {
  if (verdict === null) return `${variant}: FAILED: ${failure}`;
  const header = ["workload", "baseline net", "variant net", "time", "interval", "memory", ""];
  const rows = workloads.map(({ workload, baselineNet, variantNet, ratio, memoryRatio, reason, verdict }) => [
    workload,
    `${baselineNet.toFixed(2)} ns`,
    `${variantNet.toFixed(2)} ns`,
    `× ${ratio.value.toFixed(3)}`,
    `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`,
    memoryRatio === null ? "-" : `× ${memoryRatio.toFixed(2)}`,
    `${verdict}: ${reason}`,
  ]);
  return `${variant}: ${verdict.toUpperCase()}\n${alignColumns([header, ...rows])}`;
}
