/** `prove mistakes`: which allocator finds which mistakes of small wrong programs. */

import { availableParallelism } from "node:os";
import type { Command } from "commander";
import pMap from "p-map";
import { markdownTable } from "markdown-table";
import { EXIT, list, type Register } from "../cli/command.js";
import { RequestError } from "../base/errors.js";
import { groupBy } from "../lab/group-by.js";
import { columns, type Absent, type Column } from "./mistakes/columns.js";
import { FAMILIES, rightCases, SIZE_CLASSES, type Family, type Reach, type SizeClass } from "./mistakes/families.js";
import { compilePrograms, faultOf, isFound, isQuiet, runCase, type Fate, type Outcome } from "./mistakes/run.js";
import { withScratch } from "../base/scratch.js";

const GUARD = "hakmem guard";
const HELP = `
Each program of test/native/mistakes/ runs in a process of its own, once with its mistake and once without, under glibc, glibc's
own checks, mimalloc, mimalloc with all mitigations, and the native library's profiles.

Exit code: 0 when the guard profile found every mistake that an allocator can find, called it by its name, and no profile objected
to a program that is right; 1 otherwise; 2 wrong arguments.`;

interface Options {
  readonly json: boolean;
  readonly family?: readonly string[];
}

export const registerMistakes: Register = (program: Command) => {
  program
    .command("mistakes")
    .description("what allocators find in small programs that misuse memory, as a table")
    .option("--json", "every case's outcome as JSON instead of the table", false)
    .option("--family <text>", "only families with this in their name or program; may be repeated", list)
    .addHelpText("after", HELP)
    .action(prove);
};

/** A case under an allocator. */
interface Result extends Outcome {
  readonly family: string;
  readonly sizeClass: SizeClass;
  readonly how: string;
  readonly size: number;
  readonly amount: number;
  readonly allocator: string;
  readonly mode: "wrong" | "right";
}

async function prove({ json, family }: Options): Promise<void> {
  const families = selected(family);
  const { present, absent } = await columns();
  for (const { name, why } of absent) console.error(`${name} is left out: ${why}`);
  const { results, faults } = await runAll(families, present);
  const versions = present.map(({ name, version }) => ({ name, version }));
  if (json) console.log(JSON.stringify({ allocators: versions, absent, faults, results }, undefined, 2));
  else console.log(formatTable(families, results, present, absent));
  for (const fault of faults) console.error(`not as it should be: ${fault}`);
  if (faults.length > 0) process.exitCode = EXIT.failed;
}

function selected(words: readonly string[] | undefined): readonly Family[] {
  if (words === undefined) return FAMILIES;
  const families = FAMILIES.filter(({ name, program }) =>
    words.some((word) => name.includes(word) || program.includes(word)),
  );
  if (families.length > 0) return families;
  const names = FAMILIES.map(({ name }) => `\n  ${name}`).join("");
  throw new RequestError(`no family has "${words.join('" or "')}" in its name or program; there are${names}`);
}

async function runAll(
  families: readonly Family[],
  present: readonly Column[],
): Promise<{ results: Result[]; faults: string[] }> {
  return withScratch("mistakes", async (directory) => {
    console.error("compiling the programs");
    const programs = await compilePrograms(families, directory);
    const jobs = present.flatMap((column) =>
      families.flatMap((family) => [
        ...family.cases.map((of) => ({ column, family, of, mode: "wrong" as const })),
        ...rightCases(family).map((of) => ({ column, family, of, mode: "right" as const })),
      ]),
    );
    const results: Result[] = [];
    const faults: (string | undefined)[] = [];
    const started = new Set<Column>();
    const runJob = async ({ column, family, of, mode }: (typeof jobs)[number], index: number): Promise<void> => {
      if (!started.has(column)) console.error(`running them under ${column.name}`);
      started.add(column);
      const outcome = await runCase(programs.get(family.program) ?? "", of, column, mode);
      results[index] = { family: family.name, allocator: column.name, mode, ...of, ...outcome };
      const fault = mode === "right" ? alarmOf(column, outcome) : column.name === GUARD && faultOf(family, of, outcome);
      if (fault) {
        const { how, size, amount } = of;
        faults[index] = `${column.name}: ${family.name} (${family.program} ${mode} ${how} ${size} ${amount}): ${fault}`;
      }
    };
    await pMap(jobs, runJob, { concurrency: availableParallelism() });
    return { results, faults: faults.filter((fault) => fault !== undefined) };
  });
}

/** What one of our profiles says about a program that is right; others may say what they like. */
function alarmOf({ ours }: Column, outcome: Outcome): string | undefined {
  return ours && !isQuiet(outcome) ? `a false alarm: ${outcome.fate} ${outcome.said}` : undefined;
}

// --- The table -----------------------------------------------------------------------------------------------------

const HEADINGS: Readonly<Record<Reach, string>> = {
  diagnosis: "**should be reported**",
  visible: "**should show in what the program computes**",
  refusal: "**should be refused**",
  none: "**beyond what an allocator can see**",
};

/** A table in Markdown: families and classes of sizes in rows, allocators in columns. */
function formatTable(
  families: readonly Family[],
  results: readonly Result[],
  present: readonly Column[],
  absent: readonly Absent[],
): string {
  const wrong = results.filter(({ mode, fate }) => mode === "wrong" && fate !== "absent");
  const names = present.map(({ name }) => name);
  const rows: string[][] = [["mistake", "sizes", ...names]];
  for (const [reach, group] of groupBy(families, (family) => family.reach)) {
    rows.push([HEADINGS[reach], "", ...names.map(() => "")]);
    for (const family of group) {
      const of = wrong.filter((result) => result.family === family.name);
      rows.push(...rowsOf(family, of, names));
    }
  }
  const counted = new Map(families.filter(({ reach }) => reach !== "none").map((family) => [family.name, family]));
  const within = wrong.filter(({ family }) => counted.has(family));
  const share = (label: string, is: (result: Result) => boolean): string[] => [
    label,
    "all",
    ...names.map((name) => {
      const own = within.filter(({ allocator }) => allocator === name);
      return percentage(own.filter(is).length, own.length);
    }),
  ];
  const found = (result: Result): boolean => isFound(counted.get(result.family)!, result);
  const fate =
    (...fates: readonly Fate[]) =>
    (result: Result) =>
      !found(result) && fates.includes(result.fate);
  rows.push(["**of all that an allocator can find**", "", ...names.map(() => "")]);
  rows.push(share("found", found));
  rows.push(share("crashed or hung without a word", fate("crashed", "hung")));
  rows.push(share("unnoticed, with damage", fate("harmed")));
  rows.push(share("unnoticed, no damage seen", fate("unharmed", "refused", "visible")));
  const table = markdownTable(rows, { align: ["", "", ...names.map(() => "right")] });
  const cases = families.reduce((sum, family) => sum + family.cases.length, 0);
  const notes = [
    `${families.length} families, ${cases} cases.`,
    ...present.map(({ name, version }) => `${name}: ${version}.`),
    ...absent.map(({ name, why }) => `${name} was left out: ${why}.`),
  ];
  return `${table}\n\n${notes.join("\n")}`;
}

/** A row for each class of sizes; one for all those that agree. */
function rowsOf({ name, cases, reach }: Family, results: readonly Result[], allocators: readonly string[]): string[][] {
  const present = SIZE_CLASSES.filter((sizeClass) => cases.some((each) => each.sizeClass === sizeClass));
  const rows = present.map((sizeClass) => ({
    sizeClass,
    cells: allocators.map((allocator) =>
      cellOf(
        reach,
        results.filter((result) => result.allocator === allocator && result.sizeClass === sizeClass),
      ),
    ),
  }));
  const alike = [...groupBy(rows, ({ cells }) => cells.join())].map(([, group]) => group);
  return alike.map((group, index) => [
    index === 0 ? name : "",
    group.length === SIZE_CLASSES.length ? "all" : group.map(({ sizeClass }) => sizeClass).join(", "),
    ...(group[0]?.cells ?? []),
  ]);
}

function cellOf(reach: Reach, results: readonly Result[]): string {
  if (results.length === 0) return "–";
  const found = results.filter((result) => isFound({ reach }, result)).length;
  const crashed = results.filter(({ fate }) => fate === "crashed" || fate === "hung").length;
  const crashes = crashed === 0 ? "" : ` (+${percentage(crashed, results.length)})`;
  return percentage(found, results.length) + crashes;
}

/** `0 %` and `100 %` are exact. */
function percentage(part: number, whole: number): string {
  if (whole === 0) return "–";
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 1) return "< 1 %";
  if (part < whole && percent > 99) return "> 99 %";
  return `${Math.round(percent)} %`;
}
