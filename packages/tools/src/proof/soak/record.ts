/**
 * The record of a soak: a line of JSON for each round (`soak.jsonl`), from which a soak goes on, and beside it the table in
 * `soak.md`, between two marks; the words around them are nobody's but their author's.
 */

import { mkdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { markdownTable } from "markdown-table";
import { z } from "zod";
import { writeWhole } from "../../base/cache.js";
import { RequestError } from "../../base/errors.js";
import { groupBy } from "../../lab/group-by.js";
import { checkOutputFile } from "../../base/output.js";
import { ROOT } from "../../base/paths.js";
import { marksOf, withPart } from "../page.js";
import type { Fault, SoakTarget } from "./protocol.js";

const COUNT = z.int().nonnegative();
const DIGITS = Object.fromEntries(
  ["block", "size", "at", "expected", "found"].map((name) => [name, z.string().optional()]),
);

/** A round that has been run. */
const LINE = z.strictObject({
  target: z.string() as unknown as z.ZodType<SoakTarget>,
  profile: z.string(),
  threads: COUNT,
  seed: COUNT,
  /** Operations that were asked for. */
  operations: COUNT,
  /** Identifies the program and the allocator. */
  inputs: z.string(),
  revision: z.string(),
  /** Version of Node; null natively. */
  node: z.string().nullable(),
  /** Heaps that were soaked without a fault. */
  heaps: COUNT,
  fault: z
    .strictObject({
      thread: COUNT,
      operation: COUNT,
      kind: COUNT.optional(),
      ...DIGITS,
      message: z.string().optional(),
    })
    .nullable(),
  figures: z.object({ operations: COUNT, refused: COUNT, received: COUNT, lives: COUNT, peakBytes: COUNT }),
});
export type RecordLine = Readonly<Omit<z.infer<typeof LINE>, "fault">> & { readonly fault: Fault | null };

const PART = "table";
const HEADER = [
  "target",
  "profile",
  "threads",
  "checked operations",
  "seeds",
  "faults",
  "refused",
  "handed over",
  "heaps",
  "threads begun",
  "peak MiB",
  "hakmem",
  "Node",
] as const;
/** Columns of words; the others are numbers. */
const WORDS: ReadonlySet<string> = new Set(["target", "profile", "hakmem", "Node"]);

/** Where the lines are that belong to the page `out`. */
function linesFile(out: string): string {
  return out.replace(/(\.md)?$/, ".jsonl");
}

/** The rounds that are on record; none when there is no record. Throws {@link RequestError} when it is damaged. */
export async function readLines(out: string): Promise<RecordLine[]> {
  const file = linesFile(out);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, index) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new RequestError(`${file}:${index + 1} is not JSON; mend the line or remove it`);
    }
    const parsed = LINE.safeParse(value);
    if (!parsed.success)
      throw new RequestError(`${file}:${index + 1} is no record; remove it\n${z.prettifyError(parsed.error)}`);
    return parsed.data as RecordLine;
  });
}

/** Throws {@link RequestError} unless the record can be written to the page `out`. */
export async function checkPage(out: string): Promise<void> {
  await checkOutputFile(out);
  await checkOutputFile(linesFile(out));
  await pageOf(out, []);
}

/** The page `out` with the table of these lines; a new one when there is none. */
async function pageOf(out: string, lines: readonly RecordLine[]): Promise<string> {
  const page = await readFile(out, "utf8").catch(() => `# The soak\n\n${marksOf(PART).join("\n")}\n`);
  return withPart(page, PART, formatTable(lines), out, "the table");
}

/** Writes the lines, and the table into the page. */
export async function writeRecord(out: string, lines: readonly RecordLine[]): Promise<void> {
  await mkdir(path.dirname(out), { recursive: true });
  await writeWhole(linesFile(out), lines.map((line) => JSON.stringify(line) + "\n").join(""));
  await writeWhole(out, await pageOf(out, lines));
}

/** A row for each target, profile and number of threads, in the order of the lines' first ones. */
export function formatTable(lines: readonly RecordLine[]): string {
  const rows = [...groupBy(lines, ({ target, profile, threads }) => `${target} ${profile} ${threads}`).values()].map(
    rowOf,
  );
  return markdownTable([HEADER, ...rows], { align: HEADER.map((name) => (WORDS.has(name) ? "" : "right")) });
}

function rowOf(lines: readonly RecordLine[]): string[] {
  const [first] = lines;
  if (first === undefined) throw new Error("a row of no rounds");
  const sum = (of: (line: RecordLine) => number): number => lines.reduce((total, line) => total + of(line), 0);
  const unique = (values: readonly string[]): string => [...new Set(values)].join(", ");
  return [
    first.target,
    first.profile,
    String(first.threads),
    String(sum(({ figures }) => figures.operations)),
    ranges(lines.map(({ seed }) => seed)),
    String(lines.filter(({ fault }) => fault !== null).length),
    String(sum(({ figures }) => figures.refused)),
    String(sum(({ figures }) => figures.received)),
    String(sum(({ heaps }) => heaps)),
    String(sum(({ figures }) => figures.lives)),
    (Math.max(0, ...lines.map(({ figures }) => figures.peakBytes)) / 2 ** 20).toFixed(0),
    unique(lines.map(({ revision }) => revision)),
    unique(lines.flatMap(({ node }) => node ?? [])),
  ];
}

/** `1–3, 7` */
function ranges(numbers: readonly number[]): string {
  const parts: { from: number; to: number }[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && last.to === number - 1) last.to = number;
    else parts.push({ from: number, to: number });
  }
  return parts.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}

const ALLOCATOR = ["assembly", "native", "profiles", "packages/tools/src/build", "packages/tools/src/profile"];

/** What is tested, as `git describe` says it, with a plus when the allocator's sources differ from that. */
export async function revision(): Promise<string> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await execa("git", [...args], { cwd: ROOT })).stdout.trim();
  try {
    const changed = await git("status", "--porcelain", "--", ...ALLOCATOR);
    return `${await git("describe", "--always", "--tags")}${changed === "" ? "" : "+"}`;
  } catch {
    return "unknown";
  }
}
