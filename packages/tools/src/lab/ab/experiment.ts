/** An experiment: a baseline and variants, measured together and judged; and the page that records it. */

import { mkdir, readdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { alignColumns } from "../../base/columns.js";
import { messageOf, RequestError } from "../../base/errors.js";
import { THIS_NODE } from "../node-versions.js";
import { ROOT } from "../../base/paths.js";
import { NULL_PEER } from "../peers/null.js";
import { describeHost, type Host } from "../results.js";
import { commonRounds } from "../rounds.js";
import { runSession, type Cell, type Progress } from "../session.js";
import type { Workload } from "../workloads.js";
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
export interface Experiment {
  readonly version: typeof EXPERIMENT_VERSION;
  readonly host: Host;
  readonly node: string;
  readonly incomplete: boolean;
  readonly rounds: number;
  readonly thresholds: Thresholds;
  readonly baseline: string;
  readonly variants: readonly VariantResult[];
}

export interface VariantResult {
  readonly variant: string;
  readonly commit: string | null;
  /** Null when the variant or the baseline could not be measured; `failure` says why. */
  readonly verdict: ExperimentVerdict["verdict"] | null;
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

export const EXPERIMENTS = path.join(ROOT, "docs", "experiments");

export interface RecordOptions {
  /** What was tried, one line. */
  readonly title: string;
  /** Why it was tried, or why it is decided as it is. */
  readonly reason?: string;
  readonly directory?: string;
}

/** An experiment of whatever kind, as a record needs it. */
export interface Recordable extends Pick<Experiment, "host" | "node"> {
  readonly variants: readonly Pick<VariantResult, "variant" | "verdict" | "commit">[];
}

/** Writes the experiment, printed as `text`, as the next page of `docs/experiments/` and returns its path. */
export async function recordExperiment(experiment: Recordable, text: string, options: RecordOptions): Promise<string> {
  const { title, reason, directory = EXPERIMENTS } = options;
  const slug = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  if (slug === "") throw new RequestError(`title "${title}" has no letter or digit; it becomes the record's file name`);
  await mkdir(directory, { recursive: true });
  const number = String(1 + (await lastNumber(directory))).padStart(3, "0");
  const file = path.join(directory, `${number}-${slug}.md`);
  try {
    await writeFile(file, pageOf(experiment, text, number, title, reason), { flag: "wx" });
  } catch (error) {
    throw new RequestError(`the record ${file} cannot be written: ${messageOf(error)}`);
  }
  return file;
}

async function lastNumber(directory: string): Promise<number> {
  const numbers = (await readdir(directory)).map((name) => Number(/^(\d{3})-/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

function pageOf(
  { host, node, variants }: Recordable,
  text: string,
  number: string,
  title: string,
  reason: string | undefined,
): string {
  const verdicts = variants.map(({ variant, verdict, commit }) => {
    const where = commit === null ? "" : ` (commit ${commit.slice(0, 12)})`;
    return `* \`${variant}\`${where}: **${verdict ?? "failed"}**`;
  });
  return `# ${number} ${title}

${reason ?? "No reason was recorded."}

${verdicts.join("\n")}

\`\`\`
${text.trimEnd()}
\`\`\`

Measured ${host.time} on ${host.cpu}, ${host.cores} cores, ${host.os}, Node ${node}.
`;
}
