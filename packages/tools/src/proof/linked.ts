/** `prove linked`: whole programs, built by each toolchain with hakmem.c and with the allocator that it has of its own. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { Option } from "commander";
import { markdownTable } from "markdown-table";
import { writeWhole } from "../base/cache.js";
import { messageOf, RequestError } from "../base/errors.js";
import { exists } from "../base/exists.js";
import { ROOT } from "../base/paths.js";
import { EXIT, listOf, type Register, wholeNumber } from "../cli/command.js";
import { PROGRAMS } from "../lab/programs/programs.js";
import type { Program } from "../lab/programs/program.js";
import { isCountable, measureCase, type Series } from "../lab/programs/suite.js";
import { OURS, TOOLCHAINS, type ToolchainName } from "../lab/programs/toolchains.js";
import { describeHost, type Host } from "../lab/results.js";
import { estimateMedian, estimateMedianRatio } from "../lab/statistics.js";
import { writePage } from "./page.js";

interface Options {
  readonly program?: readonly string[];
  readonly toolchain?: readonly ToolchainName[];
  readonly rounds: number;
  readonly counts: boolean;
  readonly record: boolean;
  readonly tables: boolean;
}

/** What builds the programs and counts their instructions. */
const PACKAGES = ["make", "tcl", "ruby", "bison", "valgrind", "librust-serde-json-dev"];
const PROGRAM_NAMES = PROGRAMS.map(({ name }) => name);
const TOOLCHAIN_NAMES = Object.keys(TOOLCHAINS) as ToolchainName[];
const RECORD = path.join(ROOT, "docs", "figures", "linked.json");
const PAGE = path.join(ROOT, "docs", "linking.md");

export const registerLinked: Register = (program) => {
  program
    .command("linked")
    .description(
      "whole programs linked with hakmem.c, and with what their toolchain has: the same output, time and memory",
    )
    .addOption(
      new Option("--program <names>", `of ${PROGRAM_NAMES.join(", ")} (default: all)`).argParser(listOf(PROGRAM_NAMES)),
    )
    .addOption(
      new Option("--toolchain <names>", `of ${TOOLCHAIN_NAMES.join(", ")} (default: all)`).argParser(
        listOf(TOOLCHAIN_NAMES),
      ),
    )
    .option("--rounds <count>", "interleaved rounds", wholeNumber(3, 1000), 9)
    .addOption(
      new Option(
        "--counts",
        "only count instructions, which may be done beside other work; times and memory stay as they are on record",
      )
        .conflicts(["rounds", "tables"])
        .default(false),
    )
    .option(
      "--record",
      "put the figures on record in docs/figures/linked.json, and the table into docs/linking.md",
      false,
    )
    .option("--tables", "measure nothing: write the table from what is on record", false)
    .addHelpText(
      "after",
      `
The sources are Debian's, downloaded once. Beside what the tests need, these packages are: ${PACKAGES.join(" ")}.
All of it takes about two hours, most of which is counting, on a machine that does nothing else.`,
    )
    .action(
      async ({
        program: programs = PROGRAM_NAMES,
        toolchain = TOOLCHAIN_NAMES,
        rounds,
        counts,
        record,
        tables,
      }: Options) => {
        if (tables) return writePage(PAGE, linkingParts(await linkingRows()));
        const cases = PROGRAMS.filter(({ name }) => programs.includes(name)).flatMap((each) =>
          each.toolchains
            .filter((name) => toolchain.includes(name))
            .map((name) => ({ program: each, toolchain: name }))
            .filter((one) => !counts || isCountable({ program: each, toolchain: TOOLCHAINS[one.toolchain] })),
        );
        if (cases.length === 0)
          throw new RequestError(
            `no program of ${programs.join(", ")} is built${counts ? ", with one thread," : ""} by ${toolchain.join(", ")}`,
          );
        const measure = counts ? await counting(cases) : (each: Case) => measureRow(each, rounds);
        const measured: Row[] = [];
        let failed = 0;
        for (const each of cases) {
          const row = await measure(each);
          if (row === undefined) failed++;
          else {
            measured.push(row);
            // At once: who interrupts it loses nothing.
            if (record) await saveRows([row]);
            console.error(
              `${row.program}, ${row.toolchain}: ${row.series.map(({ allocator, ms }) => `${allocator} ${digits(estimateMedian(ms).value)} ms`).join(", ")}`,
            );
          }
        }
        console.log(tableOf(measured));
        if (record) await writePage(PAGE, linkingParts(await linkingRows()));
        process.exitCode = failed > 0 ? EXIT.failed : EXIT.ok;
      },
    );
};

interface Case {
  readonly program: Program;
  readonly toolchain: ToolchainName;
}

/** A case that was measured. */
interface Row {
  readonly program: string;
  readonly toolchain: ToolchainName;
  readonly host: Host;
  readonly series: readonly Series[];
}

async function measureRow({ program, toolchain }: Case, rounds: number): Promise<Row | undefined> {
  try {
    return {
      program: program.name,
      toolchain,
      host: describeHost(),
      series: await measureCase({ program, toolchain: TOOLCHAINS[toolchain] }, { rounds, counted: "instructions" }),
    };
  } catch (error) {
    console.error(`${program.name}, ${toolchain}: FAILED: ${messageOf(error)}`);
    return undefined;
  }
}

/** What takes the rows of cases from the record, with their instructions counted again. Rejects when one is not on record. */
async function counting(cases: readonly Case[]): Promise<(each: Case) => Promise<Row | undefined>> {
  const known = new Map((await linkingRows()).map((row) => [keyOf(row), row]));
  const rowOf = ({ program, toolchain }: Case): Row => {
    const row = known.get(keyOf({ program: program.name, toolchain }));
    if (row === undefined)
      throw new RequestError(`${program.name}, ${toolchain}: nothing is on record to add counts to`);
    return row;
  };
  cases.forEach(rowOf);
  return async (each) => {
    const counted = await measureRow(each, 0);
    if (counted === undefined) return undefined;
    const row = rowOf(each);
    const series = row.series.map((one) => {
      const again = counted.series.find(({ allocator }) => allocator === one.allocator);
      return again === undefined ? one : { ...again, ms: one.ms, bytes: one.bytes };
    });
    return { ...row, series };
  };
}

/** What is on record, a line each; what was measured replaces its own. */
async function saveRows(rows: readonly Row[]): Promise<void> {
  const known = new Map((await linkingRows()).map((row) => [keyOf(row), row]));
  for (const row of rows) known.set(keyOf(row), row);
  const order = (row: Row): number =>
    PROGRAM_NAMES.indexOf(row.program) * TOOLCHAIN_NAMES.length + TOOLCHAIN_NAMES.indexOf(row.toolchain);
  const lines = [...known.values()].sort((a, b) => order(a) - order(b)).map((row) => `  ${JSON.stringify(row)}`);
  await writeWhole(RECORD, `[\n${lines.join(",\n")}\n]\n`);
}

/** What is on record. */
export async function linkingRows(): Promise<Row[]> {
  return (await exists(RECORD)) ? (JSON.parse(await readFile(RECORD, "utf8")) as Row[]) : [];
}

const keyOf = ({ program, toolchain }: Pick<Row, "program" | "toolchain">): string => `${program} ${toolchain}`;

/** The part of docs/linking.md that comes from the record. */
export function linkingParts(rows: readonly Row[]): Readonly<Record<string, string>> {
  return { "whole programs": tableOf(rows) };
}

function tableOf(rows: readonly Row[]): string {
  const head = [
    "program",
    "toolchain",
    "hakmem.c, ms",
    "its own, ms",
    "its own / hakmem.c",
    "others / hakmem.c",
    "instructions, others / hakmem.c",
    "memory, MiB",
  ];
  const cells = rows.map(({ program, toolchain, series }) => {
    const [ours, own, ...others] = series;
    if (ours?.allocator !== OURS || own === undefined) throw new Error(`${program}: nothing to compare`);
    return [
      PROGRAMS.find(({ name }) => name === program)?.title ?? program,
      TOOLCHAINS[toolchain].title,
      digits(estimateMedian(ours.ms).value),
      `${digits(estimateMedian(own.ms).value)} (${own.allocator})`,
      ratio(own, ours),
      others.map((each) => `${each.allocator} ${ratio(each, ours)}`).join(", "),
      [own, ...others]
        .flatMap(({ allocator, instructions }) =>
          instructions === undefined || ours.instructions === undefined
            ? []
            : `${allocator} ${(instructions / ours.instructions).toFixed(3)}`,
        )
        .join(", "),
      ours.bytes === null
        ? ""
        : series.map(({ allocator, bytes }) => `${allocator} ${digits((bytes ?? 0) / 2 ** 20)}`).join(", "),
    ];
  });
  return markdownTable([head, ...cells], { align: ["l", "l", "r", "r", "r", "r", "r", "l"] });
}

function ratio(peer: Series, ours: Series): string {
  const { value, low, high } = estimateMedianRatio(peer.ms, ours.ms);
  return `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
