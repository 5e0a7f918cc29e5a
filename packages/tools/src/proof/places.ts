/** `prove places`: that the library works wherever it is said to, by programs that are the same everywhere. */

import * as path from "node:path";
import { Option } from "commander";
import { markdownTable } from "markdown-table";
import { messageOf, RequestError } from "../base/errors.js";
import { ROOT } from "../base/paths.js";
import { EXIT, listOf, type Register } from "../cli/command.js";
import { writePage } from "./page.js";
import { PLACES, type Outcome, type Place } from "./places/places.js";

interface Options {
  readonly place?: readonly string[];
  readonly record: boolean;
}

const NAMES = PLACES.map(({ name }) => name);
/** The page with the table. */
const PAGE = path.join(ROOT, "docs", "places.md");

export const registerPlaces: Register = (program) => {
  program
    .command("places")
    .description("the library works in Node, Bun, Deno and browsers, with and without bundlers")
    .addOption(new Option("--place <names>", `of ${NAMES.join(", ")} (default: all)`).argParser(listOf(NAMES)))
    .option("--record", "write the table to docs/places.md; all places", false)
    .action(async ({ place = NAMES, record }: Options) => {
      if (record && place.length < NAMES.length)
        throw new RequestError("--record is for all places; leave --place out");
      const results = await runPlaces(PLACES.filter(({ name }) => place.includes(name)));
      console.log(tableOf(results));
      if (record) await writePage(PAGE, { table: tableOf(results) });
      process.exitCode = results.some(hasFailed) ? EXIT.failed : EXIT.ok;
    });
};

interface Result {
  readonly title: string;
  readonly outcomes: readonly Outcome[];
}

async function runPlaces(places: readonly Place[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const place of places) {
    let result: Result;
    try {
      const outcomes = await place.run();
      result = { title: await place.title(), outcomes };
    } catch (error) {
      result = { title: place.name, outcomes: [{ name: "run", result: `FAILED: ${messageOf(error)}` }] };
    }
    for (const { name, result: found } of result.outcomes) {
      if (found.startsWith("FAILED")) console.error(`${result.title}, ${name}: ${found}`);
    }
    console.error(`${result.title}: ${result.outcomes.map(({ result: found }) => found.split(":")[0]).join(", ")}`);
    results.push(result);
  }
  return results;
}

function hasFailed({ outcomes }: Result): boolean {
  return outcomes.some(({ result }) => result.startsWith("FAILED"));
}

function tableOf(results: readonly Result[]): string {
  const steps = [...new Set(results.flatMap(({ outcomes }) => outcomes.map(({ name }) => name)))];
  const rows = results.map(({ title, outcomes }) => [
    title,
    ...steps.map((step) => outcomes.find(({ name }) => name === step)?.result ?? ""),
  ]);
  return markdownTable([["where", ...steps], ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|"))));
}
