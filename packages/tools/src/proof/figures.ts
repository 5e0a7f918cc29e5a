/** `npm run prove -- figures`: the figures of README.md, docs/benchmarks.md and docs/native.md, measured and written by one command. */

import { Option } from "commander";
import { EXIT, listOf, type Register } from "../cli/command.js";
import { programOf } from "../lab/programs/index.js";
import {
  measurePrograms,
  PROGRAM_RUN_NAMES,
  readProgramRuns,
  saveProgramRun,
  type ProgramRunName,
} from "./figures/program-runs.js";
import { measure, readRuns, RUN_NAMES, saveRun, type RunName } from "./figures/runs.js";
import { pagesOf } from "./figures/tables.js";
import { writePage } from "./page.js";

const ALL = [...RUN_NAMES, ...PROGRAM_RUN_NAMES];

interface FiguresOptions {
  readonly run: readonly (RunName | ProgramRunName)[];
  readonly programs: readonly string[];
  readonly tables: boolean;
}

const isOfPrograms = (name: RunName | ProgramRunName): name is ProgramRunName =>
  PROGRAM_RUN_NAMES.some((each) => each === name);

export const registerFigures: Register = (program) => {
  program
    .command("figures")
    .description("measure what the documentation's tables show, into docs/figures/, and write the tables")
    .addOption(
      new Option("--run <names>", `measure only some of ${ALL.join(", ")}`)
        .argParser(listOf<RunName | ProgramRunName>(ALL, RUN_NAMES))
        .default(RUN_NAMES),
    )
    .option(
      "--programs <names>",
      "whole programs that are measured, beside the record of the others",
      (names: string) => names.split(",").map((name) => programOf(name).name),
      [],
    )
    .option("--tables", "measure nothing: write the tables from what is on record", false)
    .addHelpText(
      "after",
      `
By default all runs but those of whole programs: half an hour. \`programs\` and \`programs-wasm\` take another quarter of an hour each,
\`programs-counted\` two hours, of a machine that may do something else. The others need one that does nothing else.`,
    )
    .action(async ({ run, programs, tables }: FiguresOptions) => {
      for (const name of tables ? [] : run) {
        console.error(`${name}:`);
        if (isOfPrograms(name)) await saveProgramRun(name, await measurePrograms(name, programs));
        else await saveRun(name, await measure(name));
      }
      const pages = pagesOf(await readRuns(), await readProgramRuns());
      for (const [page, parts] of Object.entries(pages)) await writePage(page, parts);
      process.exitCode = EXIT.ok;
    });
};
