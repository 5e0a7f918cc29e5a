/** The measurements of whole programs whose figures the documentation shows, and their records in `docs/figures/`. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { writeWhole } from "../../base/cache.js";
import { ExplainedError } from "../../base/errors.js";
import { exists } from "../../base/exists.js";
import { withScratch } from "../../base/scratch.js";
import type { ProgramResult, ProgramResults } from "../../lab/programs/standing.js";
import { COMMAND_LINE, FIGURES } from "./runs.js";

/** Arguments of `hakmem bench`: of the runs that need a quiet machine, and of the one that takes hours of any. */
const ARGUMENTS = {
  programs: ["--target", "native", "--quick", "--rounds", "7"],
  "programs-counted": ["--target", "native", "--rounds", "1"],
  "programs-wasm": ["--target", "emscripten", "--rounds", "5"],
} as const;

export type ProgramRunName = keyof typeof ARGUMENTS;
export const PROGRAM_RUN_NAMES = Object.keys(ARGUMENTS) as ProgramRunName[];

/** A run that is on record. */
export interface ProgramRun extends Pick<ProgramResults, "host" | "rounds"> {
  /** What made it. */
  readonly command: string;
  readonly programs: readonly ProgramResult[];
}

export type ProgramRuns = Readonly<Record<ProgramRunName, ProgramRun>>;

/** Measures some programs, or all; rejects when one failed. Progress is on standard error. */
export async function measurePrograms(name: ProgramRunName, only: readonly string[]): Promise<ProgramRun> {
  return withScratch("figures", async (directory) => {
    const file = path.join(directory, "results.json");
    const programs = only.length === 0 ? ["--programs"] : ["--programs", only.join()];
    await execa(process.execPath, [COMMAND_LINE, "bench", ...programs, ...ARGUMENTS[name], "--json", file], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    return runOf(name, JSON.parse(await readFile(file, "utf8")) as ProgramResults);
  });
}

/** What is put on record of the results of a run. Throws {@link ExplainedError} when they are not all of it. */
export function runOf(
  name: ProgramRunName,
  { host, rounds, incomplete, failures, programs }: ProgramResults,
): ProgramRun {
  const failed = Object.keys(failures).join(", ");
  if (incomplete || failed) throw new ExplainedError(`${name}: ${failed || "interrupted"}; nothing of it is kept`);
  return { command: `hakmem bench --programs ${ARGUMENTS[name].join(" ")}`, host, rounds, programs };
}

/** Puts a run on record: in the place of what there is of the same programs, beside the others. */
export async function saveProgramRun(name: ProgramRunName, run: ProgramRun): Promise<void> {
  const file = fileOf(name);
  const before = (await exists(file)) ? (await readRun(name)).programs : [];
  const { programs, ...head } = run;
  const names = new Set(programs.map(({ program }) => program));
  const all = [...before.filter(({ program }) => !names.has(program)), ...programs];
  const lines = all.map((program) => `    ${JSON.stringify(program)}`).join(",\n");
  await writeWhole(file, `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "programs": [\n${lines}\n  ]\n}\n`);
}

/** All runs as they are on record. */
export async function readProgramRuns(): Promise<ProgramRuns> {
  const entries = await Promise.all(PROGRAM_RUN_NAMES.map(async (name) => [name, await readRun(name)] as const));
  return Object.fromEntries(entries) as ProgramRuns;
}

const fileOf = (name: ProgramRunName): string => path.join(FIGURES, `${name}.json`);

async function readRun(name: ProgramRunName): Promise<ProgramRun> {
  if (!(await exists(fileOf(name)))) throw new ExplainedError(`${name} is not on record; measure it first`);
  return JSON.parse(await readFile(fileOf(name), "utf8")) as ProgramRun;
}
