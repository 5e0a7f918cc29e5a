/** The measurements whose figures the documentation shows, and their records in `docs/figures/`. */

import { mkdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { writeWhole } from "../../base/cache.js";
import { ExplainedError } from "../../base/errors.js";
import { exists } from "../../base/exists.js";
import { ROOT } from "../../base/paths.js";
import { withScratch } from "../../base/scratch.js";
import type { Result, Results } from "../../lab/results.js";

const PEERS = ["hakmem", "tlsf", "emmalloc", "dlmalloc"];
const LOCKED_PEERS = ["hakmem", "emmalloc", "dlmalloc"];
const NATIVE_PEERS = ["hakmem", "mimalloc", "tcmalloc", "jemalloc", "glibc"];
const THREADED = ["mixed-threads", "larson", "producer-consumer"];

/** Arguments of `hakmem bench`, by the names of the runs. */
const ARGUMENTS = {
  wasm: ["--target", "wasm32", "--peer", PEERS.join(), "--rounds", "5", "--runs", "2"],
  "wasm-node24": [
    ...["--target", "wasm32", "--peer", PEERS.join(), "--node", "24", "--rounds", "7"],
    ...["--workload", "random-mixed/400,c6-heavy"],
  ],
  "wasm-threads": ["--workload", THREADED.join(), "--peer", LOCKED_PEERS.join(), "--threads", "1,2", "--rounds", "7"],
  javascript: ["--workload", "js-random-mixed", "--node", "20,24", "--rounds", "7"],
  native: ["--target", "native", "--peer", NATIVE_PEERS.join(), "--quick", "--rounds", "7"],
  "native-threads": [
    ...["--target", "native", "--peer", NATIVE_PEERS.join(), "--quick", "--rounds", "7"],
    ...["--workload", THREADED.join(), "--threads", "2"],
  ],
} as const;

export type RunName = keyof typeof ARGUMENTS;
export const RUN_NAMES = Object.keys(ARGUMENTS) as RunName[];

/** A run that is on record. */
export interface Run extends Pick<Results, "host" | "rounds"> {
  /** What made it. */
  readonly command: string;
  readonly results: readonly Omit<Result, "timeline">[];
}

export type Runs = Readonly<Record<RunName, Run>>;

export const FIGURES = path.join(ROOT, "docs", "figures");
export const COMMAND_LINE = path.join(ROOT, "packages", "tools", "dist", "cli", "main.js");

/** Measures; rejects when a peer failed or is not installed. Progress is on standard error. */
export async function measure(name: RunName): Promise<Run> {
  return withScratch("figures", async (directory) => {
    const file = path.join(directory, "results.json");
    const command = ["bench", ...ARGUMENTS[name]];
    await execa(process.execPath, [COMMAND_LINE, ...command, "--json", file], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    const { host, rounds, incomplete, results } = JSON.parse(await readFile(file, "utf8")) as Results;
    if (incomplete) throw new ExplainedError(`${name} was interrupted; nothing of it is kept`);
    return {
      command: `hakmem ${command.join(" ")}`,
      host,
      rounds,
      results: results.map(({ timeline: _, ...result }) => result),
    };
  });
}

/** Puts a run on record. */
export async function saveRun(name: RunName, run: Run): Promise<void> {
  await mkdir(FIGURES, { recursive: true });
  const { results, ...head } = run;
  // A line for each result: so that a difference between two records can be read.
  const lines = results.map((result) => `    ${JSON.stringify(result)}`).join(",\n");
  const text = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [\n${lines}\n  ]\n}\n`;
  await writeWhole(path.join(FIGURES, `${name}.json`), text);
}

/** All runs as they are on record. */
export async function readRuns(): Promise<Runs> {
  const entries = await Promise.all(
    RUN_NAMES.map(async (name) => {
      const file = path.join(FIGURES, `${name}.json`);
      if (!(await exists(file))) throw new ExplainedError(`${name} is not on record (${file}); measure it first`);
      const text = await readFile(file, "utf8");
      return [name, JSON.parse(text) as Run] as const;
    }),
  );
  return Object.fromEntries(entries) as Runs;
}
