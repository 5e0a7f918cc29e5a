/** `npm run prove -- figures`: the figures of README.md, docs/benchmarks.md and docs/native.md, measured and written by one command. */

import { Option } from "commander";
import { EXIT, listOf, type Register } from "../cli/command.js";
import { measure, readRuns, RUN_NAMES, saveRun, type RunName } from "./figures/runs.js";
import { pagesOf } from "./figures/tables.js";
import { writePage } from "./page.js";

export const registerFigures: Register = (program) => {
  program
    .command("figures")
    .description("measure what the documentation's tables show, into docs/figures/, and write the tables")
    .addOption(new Option("--run <names>", `measure only some of ${RUN_NAMES.join(", ")}`).argParser(listOf(RUN_NAMES)))
    .option("--tables", "measure nothing: write the tables from what is on record", false)
    .addHelpText("after", "\nAll runs take about half an hour, on a machine that does nothing else.")
    .action(async ({ run = RUN_NAMES, tables }: { run?: readonly RunName[]; tables: boolean }) => {
      for (const name of tables ? [] : run) {
        console.error(`${name}:`);
        await saveRun(name, await measure(name));
      }
      for (const [page, parts] of Object.entries(pagesOf(await readRuns()))) await writePage(page, parts);
      process.exitCode = EXIT.ok;
    });
};
