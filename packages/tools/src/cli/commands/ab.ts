/** `hakmem ab`: compares a baseline with variants of the allocator and says what to do about them. */

import type { Command } from "commander";
import { formatExperiment, recordExperiment, runExperiment } from "../../lab/ab/experiment.js";
import { loadVariant, parseVariant } from "../../lab/ab/variant.js";
import { DEFAULT_THRESHOLDS } from "../../lab/ab/verdict.js";
import { RequestError } from "../../lab/errors.js";
import { ProgressLine } from "../../lab/progress.js";
import { selectWorkloads } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../build/scratch.js";
import { EXIT, list, positiveNumber, wholeNumber, type Register } from "../command.js";

interface AbOptions {
  readonly workload?: readonly string[];
  readonly rounds: number;
  readonly runs: number;
  readonly threshold: number;
  readonly memory: number;
  readonly json: boolean;
  readonly record: boolean;
  readonly title?: string;
  readonly reason?: string;
}

const WORKLOADS = ["random-mixed/400", "c6-heavy"];
/** Fewer cannot be certain of anything. */
const LEAST_ROUNDS = 6;

export const registerAb: Register = (program) => {
  program
    .command("ab")
    .description("judge variants of the allocator against a baseline: adopt, neutral or refuse")
    .argument("<baseline>", "variant to compare with, for instance default")
    .argument("<variant...>", "variants to judge")
    .option("-w, --workload <names>", `workloads (default: ${WORKLOADS.join(", ")})`, list)
    .option("-r, --rounds <number>", "interleaved rounds", wholeNumber(LEAST_ROUNDS, 1000), 10)
    .option("--runs <number>", "timed runs in each visit of a round; the fastest counts", wholeNumber(1, 100), 7)
    .option("--threshold <fraction>", "change of ns/op that counts", positiveNumber(1), DEFAULT_THRESHOLDS.time)
    .option(
      "--memory <fraction>",
      "growth of committed memory that counts",
      positiveNumber(10),
      DEFAULT_THRESHOLDS.memory,
    )
    .option("--json", "print the experiment as JSON", false)
    .option("--record", "write the experiment to docs/experiments/; needs --title", false)
    .option("--title <text>", "what was tried, in one line")
    .option("--reason <text>", "why it was tried, or why it is decided as it is")
    .addHelpText(
      "after",
      `
A variant is written [PROFILE][@REVISION][,CONSTANT=NUMBER]...:
  compact                      a profile, by name or by path (./mine.json)
  HK_CACHE_MAX=512             the default profile with another compile-time constant
  compact,HK_CACHE_MAX=512     both
  @HEAD~1                      assembly/ as it was in a git revision

Exit code: 0 judged (whatever the verdict), 1 a variant could not be measured, 2 wrong arguments, 130 interrupted.`,
    )
    .action(ab);
};

async function ab(baseline: string, variants: readonly string[], options: AbOptions, _: Command): Promise<void> {
  const { record, title, reason, json, rounds, runs } = options;
  if (record && title === undefined)
    throw new RequestError("--record needs --title, one line that says what was tried");
  // All are checked before the first one is fetched.
  for (const spec of [baseline, ...variants]) parseVariant(spec);
  const workloads = selectWorkloads(options.workload ?? WORKLOADS);
  const unfit = workloads.find(({ driver }) => driver !== "single");
  if (unfit !== undefined)
    throw new RequestError(`workload "${unfit.id}" is not one of a single thread, which ab judges by`);

  const progress = new ProgressLine();
  const experiment = await runExperiment({
    baseline: await loadVariant(baseline),
    variants: await Promise.all(variants.map(loadVariant)),
    workloads,
    rounds,
    runs,
    thresholds: { time: options.threshold, memory: options.memory },
    signal: abortOnInterrupt(),
    onProgress: (state) => {
      progress.show(state);
    },
  });
  progress.clear();
  console.log(json ? JSON.stringify(experiment, null, 2) : formatExperiment(experiment));
  if (record && title !== undefined && !experiment.incomplete) {
    const file = await recordExperiment(experiment, { title, ...(reason === undefined ? {} : { reason }) });
    console.error(`recorded in ${file}`);
  }
  const hasFailed = experiment.variants.some(({ failure }) => failure !== null);
  process.exitCode = experiment.incomplete ? EXIT.interrupted : hasFailed ? EXIT.failed : EXIT.ok;
}
