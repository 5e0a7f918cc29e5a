/** What `hakmem ab` does. */

import { formatExperiment, runExperiment } from "../../lab/ab/experiment.js";
import { formatProgramExperiment, runProgramExperiment } from "../../lab/ab/programs.js";
import { recordExperiment, type Judged } from "../../lab/ab/record.js";
import { loadVariant, parseVariant, type Variant } from "../../lab/ab/variant.js";
import type { Thresholds } from "../../lab/ab/verdict.js";
import { RequestError } from "../../base/errors.js";
import { withProgress } from "../../lab/progress.js";
import { programOf, targetsOfProgram, NATIVE, WHOLE_PROGRAMS } from "../../lab/programs/index.js";
import { requireMeasuring } from "../../lab/programs/visit.js";
import { selectWorkloads, type Workload } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../base/scratch.js";
import { AB_WORKLOADS } from "../../lab/defaults.js";
import { EXIT } from "../command.js";
import type { CommonOptions } from "../command.js";

export interface AbOptions extends CommonOptions {
  readonly programs?: readonly string[] | true;
  readonly workload?: readonly string[];
  readonly rounds: number;
  readonly runs: number;
  readonly quick: boolean;
  readonly threshold: number;
  readonly instructions: number;
  readonly memory: number;
  readonly json: boolean;
  readonly record: boolean;
  readonly title?: string;
  readonly reason?: string;
}

/** Options that say something of workloads alone, or of programs alone. */
const OF_WORKLOADS: readonly string[] = ["workload", "runs"];
const OF_PROGRAMS: readonly string[] = ["instructions"];

/** `given`: the options that were written on the command line. */
export async function ab(
  baseline: string,
  variants: readonly string[],
  options: AbOptions,
  given: readonly string[],
): Promise<void> {
  const { record, title, reason, json, quick } = options;
  if (record && title === undefined)
    throw new RequestError("--record needs --title, one line that says what was tried");
  if (record && quick)
    throw new RequestError("--quick is for a first look, and no experiment to record; leave one of the two out");
  const withPrograms = options.programs !== undefined;
  const unfit = given.find((name) => (withPrograms ? OF_WORKLOADS : OF_PROGRAMS).includes(name));
  if (unfit !== undefined)
    throw new RequestError(
      withPrograms
        ? `--${unfit} is for workloads; with --programs it means nothing`
        : `--${unfit} is for --programs; of workloads they are not counted`,
    );
  // All are checked before the first one is fetched.
  for (const spec of [baseline, ...variants]) parseVariant(spec);
  const done = withPrograms
    ? await byPrograms(baseline, variants, options)
    : await byWorkloads(baseline, variants, options);
  console.log(json ? JSON.stringify(done.experiment, null, 2) : done.text);
  if (record && title !== undefined && !done.experiment.incomplete) {
    const file = await recordExperiment(done.experiment, done.text, {
      title,
      ...(reason === undefined ? {} : { reason }),
    });
    console.error(`recorded in ${file}`);
  }
  process.exitCode = done.experiment.incomplete ? EXIT.interrupted : done.hasFailed ? EXIT.failed : EXIT.ok;
}

interface Done {
  readonly experiment: Judged;
  readonly text: string;
  /** Something could not be measured; the text says what. */
  readonly hasFailed: boolean;
}

async function byWorkloads(baseline: string, variants: readonly string[], options: AbOptions): Promise<Done> {
  const workloads = workloadsOf(options);
  const loaded = await load(baseline, variants);
  const { rounds, runs, quick } = options;
  const experiment = await withProgress(options, (onProgress) =>
    runExperiment({
      ...loaded,
      workloads,
      rounds,
      runs,
      quick,
      thresholds: thresholdsOf(options),
      signal: abortOnInterrupt(),
      onProgress,
    }),
  );
  const hasFailed = experiment.variants.some(({ failure }) => failure !== null);
  return { experiment, text: formatExperiment(experiment), hasFailed };
}

function workloadsOf({ workload }: AbOptions): readonly Workload[] {
  const workloads = selectWorkloads(workload ?? AB_WORKLOADS);
  const unfit = workloads.find(({ driver }) => driver !== "single");
  if (unfit !== undefined)
    throw new RequestError(`workload "${unfit.id}" is not one of a single thread, which ab judges by`);
  return workloads;
}

async function byPrograms(baseline: string, variants: readonly string[], options: AbOptions): Promise<Done> {
  const { programs: names, rounds, quick } = options;
  const programs = (Array.isArray(names) ? names.map(programOf) : WHOLE_PROGRAMS).filter((program) => {
    if (targetsOfProgram(program).includes(NATIVE)) return true;
    if (names === true) return false;
    throw new RequestError(
      `${program.name} does not run natively, where ab judges by programs; see hakmem bench --list`,
    );
  });
  await requireMeasuring(true, !quick);
  const loaded = await load(baseline, variants);
  const experiment = await withProgress(options, (show) =>
    runProgramExperiment({
      ...loaded,
      programs,
      rounds,
      counts: !quick,
      thresholds: thresholdsOf(options),
      signal: abortOnInterrupt(),
      onStep: (doing, done, total) => {
        show({ doing, done, total });
      },
    }),
  );
  const hasFailed = Object.keys(experiment.failures).length > 0;
  return { experiment, text: formatProgramExperiment(experiment), hasFailed };
}

function thresholdsOf({ threshold, memory, instructions }: AbOptions): Thresholds {
  return { time: threshold, memory, instructions };
}

async function load(
  baseline: string,
  variants: readonly string[],
): Promise<{ readonly baseline: Variant; readonly variants: readonly Variant[] }> {
  return { baseline: await loadVariant(baseline), variants: await Promise.all(variants.map(loadVariant)) };
}
