/** What `hakmem ab` does. */

import { formatExperiment, recordExperiment, runExperiment } from "../../lab/ab/experiment.js";
import { loadVariant, parseVariant } from "../../lab/ab/variant.js";
import { RequestError } from "../../base/errors.js";
import { withProgress } from "../../lab/progress.js";
import { selectWorkloads } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../base/scratch.js";
import { AB_WORKLOADS } from "../../lab/defaults.js";
import { EXIT } from "../command.js";
import type { CommonOptions } from "../command.js";

export interface AbOptions extends CommonOptions {
  readonly workload?: readonly string[];
  readonly rounds: number;
  readonly runs: number;
  readonly quick: boolean;
  readonly threshold: number;
  readonly memory: number;
  readonly json: boolean;
  readonly record: boolean;
  readonly title?: string;
  readonly reason?: string;
}

export async function ab(baseline: string, variants: readonly string[], options: AbOptions): Promise<void> {
  const { record, title, reason, json, rounds, runs } = options;
  if (record && title === undefined)
    throw new RequestError("--record needs --title, one line that says what was tried");
  if (record && options.quick)
    throw new RequestError("--quick is for a first look, and no experiment to record; leave one of the two out");
  // All are checked before the first one is fetched.
  for (const spec of [baseline, ...variants]) parseVariant(spec);
  const workloads = selectWorkloads(options.workload ?? AB_WORKLOADS);
  const unfit = workloads.find(({ driver }) => driver !== "single");
  if (unfit !== undefined)
    throw new RequestError(`workload "${unfit.id}" is not one of a single thread, which ab judges by`);

  const loaded = { baseline: await loadVariant(baseline), variants: await Promise.all(variants.map(loadVariant)) };
  const experiment = await withProgress(options, (onProgress) =>
    runExperiment({
      ...loaded,
      workloads,
      rounds,
      runs,
      quick: options.quick,
      thresholds: { time: options.threshold, memory: options.memory },
      signal: abortOnInterrupt(),
      onProgress,
    }),
  );
  console.log(json ? JSON.stringify(experiment, null, 2) : formatExperiment(experiment));
  if (record && title !== undefined && !experiment.incomplete) {
    const file = await recordExperiment(experiment, { title, ...(reason === undefined ? {} : { reason }) });
    console.error(`recorded in ${file}`);
  }
  const hasFailed = experiment.variants.some(({ failure }) => failure !== null);
  process.exitCode = experiment.incomplete ? EXIT.interrupted : hasFailed ? EXIT.failed : EXIT.ok;
}
