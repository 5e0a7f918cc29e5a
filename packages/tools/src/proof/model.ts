/** `npm run prove -- model`: the models of `docs/model/`, in all their sizes, and their mutations. */

import { availableParallelism } from "node:os";
import type { Command } from "commander";
import pMap from "p-map";
import { markdownTable } from "markdown-table";
import { abortOnInterrupt } from "../base/scratch.js";
import { EXIT, list, wholeNumber, type CommonOptions, type Register } from "../cli/command.js";
import { alignColumns } from "../base/columns.js";
import { unknownName } from "../base/errors.js";
import { withProgress } from "../lab/progress.js";
import { check, ModelError, requireTools, type Verdict } from "./model/check.js";
import { configurationOf, MODELS, type Configuration, type Model, type Mutation } from "./model/models.js";
import { mutationTable, sizeTable } from "./model/tables.js";

interface Options extends CommonOptions {
  readonly only?: readonly string[];
  readonly jobs: number;
  readonly markdown?: true;
}

interface Task {
  readonly model: Model;
  readonly configuration: Configuration;
  readonly mutation?: Mutation;
}

type Outcome = Task & { readonly verdict: Verdict | ModelError };

export const registerModel: Register = (program) => {
  program
    .command("model")
    .description(
      "Searches all states of the models of the allocator (docs/model/) with SPIN: every size must hold, and every mutation " +
        "must be caught. Takes some minutes and up to 6 GiB of memory a search.",
    )
    .option("--only <names>", `models (default: ${MODELS.map(({ name }) => name).join(", ")})`, list)
    .option("-j, --jobs <number>", "searches that run at once", wholeNumber(1, 64), Math.min(2, availableParallelism()))
    .option("--markdown", "prints the tables of docs/model/README.md")
    .addHelpText(
      "after",
      "\nExit code: 0 all hold and all mutations are caught, 1 not, 2 wrong arguments, 130 interrupted.",
    )
    .action(model);
};

async function model({ only, jobs, markdown, quiet }: Options, _: Command): Promise<void> {
  const names = MODELS.map(({ name }) => name);
  const wrong = only?.find((name) => !names.includes(name));
  if (wrong !== undefined) throw unknownName("model", wrong, names);
  await requireTools();
  const tasks = MODELS.filter(({ name }) => only?.includes(name) ?? true).flatMap(tasksOf);

  const signal = abortOnInterrupt();
  let done = 0;
  const outcomes = await withProgress({ quiet }, (show) =>
    pMap(
      tasks,
      async (task): Promise<Outcome> => {
        const doing = `${task.model.name}: ${task.mutation?.name ?? task.configuration.name}`;
        show({ doing, done, total: tasks.length });
        const verdict = await verdictOf(task, signal);
        done++;
        return { ...task, verdict };
      },
      { concurrency: jobs },
    ),
  );
  if (signal.aborted) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  process.stdout.write(markdown ? tablesOf(outcomes) : formatOutcomes(outcomes));
  const bad = outcomes.filter((outcome) => !isGood(outcome));
  for (const { model, configuration, mutation, verdict } of bad) {
    console.error(`\n${model.name}, ${configuration.name}${mutation === undefined ? "" : `, with ${mutation.name}`}:`);
    console.error(verdict instanceof ModelError ? verdict.message : (verdict.found ?? "the mutation was not caught"));
  }
  process.exitCode = bad.length > 0 ? EXIT.failed : EXIT.ok;
}

function tasksOf(model: Model): Task[] {
  return [
    ...model.configurations.map((configuration) => ({ model, configuration })),
    ...model.mutations.map((mutation) => ({ model, mutation, configuration: configurationOf(model, mutation.by) })),
  ];
}

async function verdictOf({ model, configuration, mutation }: Task, signal: AbortSignal): Promise<Verdict | ModelError> {
  try {
    return await check(model, configuration, {
      ...(mutation === undefined ? {} : { mutation }),
      large: mutation === undefined && configuration.large === true,
      signal,
    });
  } catch (error) {
    if (error instanceof ModelError) return error;
    if (signal.aborted) return new ModelError("interrupted");
    throw error;
  }
}

function isGood({ mutation, verdict }: Outcome): boolean {
  return !(verdict instanceof ModelError) && verdict.result === (mutation === undefined ? "holds" : "refuted");
}

function formatOutcomes(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { model, configuration, mutation, verdict } = outcome;
    const figures = verdict instanceof ModelError ? ["", ""] : [String(verdict.states), String(verdict.depth)];
    const what = mutation === undefined ? configuration.name : `${mutation.name}: ${mutation.what}`;
    return [model.name, resultOf(outcome), ...figures, what];
  });
  const mutations = outcomes.filter(({ mutation }) => mutation !== undefined);
  const searches = outcomes.filter(({ mutation }) => mutation === undefined);
  return (
    alignColumns([["model", "result", "states", "depth", ""], ...rows]) +
    `\n\n${searches.filter(isGood).length} of ${searches.length} searches hold, ` +
    `${mutations.filter(isGood).length} of ${mutations.length} mutations are caught\n`
  );
}

/** As the README has them. */
function tablesOf(outcomes: readonly Outcome[]): string {
  const models = MODELS.filter((model) => outcomes.some((outcome) => outcome.model === model));
  const sizes = sizeTable(models, (model, configuration) => {
    const verdict = outcomes.find(
      (outcome) => outcome.model === model && outcome.configuration === configuration && outcome.mutation === undefined,
    )?.verdict;
    return verdict instanceof ModelError ? undefined : verdict;
  });
  return `${markdownTable(mutationTable(models))}\n\n${markdownTable(sizes)}\n`;
}

function resultOf({ mutation, verdict }: Outcome): string {
  if (verdict instanceof ModelError) return "no result";
  if (mutation === undefined) return verdict.result === "holds" ? "holds" : "WRONG";
  return verdict.result === "holds" ? "MISSED" : "caught";
}
