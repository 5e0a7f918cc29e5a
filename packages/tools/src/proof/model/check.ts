/** Runs SPIN on a model, and reads strictly what it says: who did not look at everything has shown nothing. */

import * as path from "node:path";
import { execa } from "execa";
import { ROOT } from "../../base/paths.js";
import { RequestError } from "../../base/errors.js";
import type { Configuration, Model, Mutation } from "./models.js";
import { withScratch } from "../../base/scratch.js";

/** Where the models are. */
export const MODEL_DIRECTORY = path.join(ROOT, "docs", "model");

/** Bounds of a search. One that meets them is none. */
const MEMORY_MIB = 2000;
const LARGE_MEMORY_MIB = 6000;
const LARGE_MINUTES = 8;
const DEPTH = 1_000_000;

export interface Verdict {
  /** `holds` is said of a search that saw every state and found nothing; `refuted` of one that found something. */
  readonly result: "holds" | "refuted";
  /** What was found: the assertion, the cycle, or the state in which nobody can go on. */
  readonly found?: string;
  readonly states: number;
  /** Length of the longest path. */
  readonly depth: number;
}

/** A search that shows nothing: it did not run, or not to its end. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

export interface CheckOptions {
  readonly mutation?: Mutation;
  /** A large search is worth a slow compilation and states that are packed, and may take more memory. */
  readonly large?: boolean;
  readonly signal?: AbortSignal;
}

/** Throws {@link RequestError} unless what a search needs is installed. */
export async function requireTools(): Promise<void> {
  for (const [tool, option] of [
    ["spin", "-V"],
    ["gcc", "--version"],
    ["tcc", "-v"],
  ] as const) {
    try {
      await execa(tool, [option]);
    } catch {
      throw new RequestError(`there is no ${tool}; on Debian: apt-get install ${tool}`);
    }
  }
}

/** Searches all states of a model. */
export async function check(model: Model, configuration: Configuration, options: CheckOptions = {}): Promise<Verdict> {
  const { mutation, large = false, signal } = options;
  return withScratch("model", async (scratch) => {
    const run = (command: string, args: readonly string[]): Promise<string> => runTool(command, args, scratch, signal);
    const defines = Object.entries(configuration.defines).map(([name, value]) => `-D${name}=${value}`);
    if (mutation !== undefined) defines.push(`-DMUTATION_${mutation.name}`);
    await run("spin", [...defines, "-a", path.join(MODEL_DIRECTORY, `${model.name}.pml`)]);
    const purpose = configuration.cycles ? "-DNP" : "-DSAFETY";
    // Most searches take less time than gcc takes to compile them.
    await run(large ? "gcc" : "tcc", [
      ...(large ? ["-O2", "-DCOLLAPSE", `-DMEMLIM=${LARGE_MEMORY_MIB}`] : [`-DMEMLIM=${MEMORY_MIB}`]),
      "-w",
      purpose,
      "-o",
      "pan",
      "pan.c",
    ]);
    // A table of 2^20 slots: clearing the usual one takes longer than most searches.
    const table = large ? [] : ["-w20"];
    return parseVerdict(await run("./pan", [`-m${DEPTH}`, ...table, ...(configuration.cycles ? ["-l"] : [])]));
  });
}

/** Reads what a verifier that SPIN made has printed. Throws {@link ModelError} unless it settles the question. */
export function parseVerdict(output: string): Verdict {
  const summary = /State-vector \d+ byte, depth reached (\d+), errors: (\d+)/.exec(output);
  const states = /^\s*([\d.e+]+) states, (?:stored|visited)/m.exec(output);
  if (summary === null || states === null) throw new ModelError(`the search did not come to its end:\n${tail(output)}`);
  const figures = { states: Number(states[1]), depth: Number(summary[1]) };
  const found = /^pan:\d*:? (assertion violated .*|non-progress cycle|invalid end state)/m.exec(output);
  if (Number(summary[2]) > 0) {
    if (found === null) throw new ModelError(`the search ended with an error of its own:\n${tail(output)}`);
    return { result: "refuted", found: (found[1] ?? "").replace(/ \(at depth \d+\)$/, ""), ...figures };
  }
  const partial =
    /error: max search depth too small|out of memory|MEMLIM|Search not completed|hash factor|Bit statespace/.exec(
      output,
    );
  if (partial !== null) throw new ModelError(`the search was not of all states (${partial[0]}):\n${tail(output)}`);
  if (!output.includes("Full statespace search for:"))
    throw new ModelError(`this was no full search:\n${tail(output)}`);
  return { result: "holds", ...figures };
}

const TAIL_LINES = 20;

function tail(output: string): string {
  return output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

/** What a tool prints. Throws {@link ModelError} when it is not there, fails, or is ended. */
async function runTool(
  command: string,
  args: readonly string[],
  cwd: string,
  cancelSignal?: AbortSignal,
): Promise<string> {
  const result = await execa(command, [...args], {
    cwd,
    all: true,
    stdin: "ignore",
    timeout: LARGE_MINUTES * 60_000,
    reject: false,
    ...(cancelSignal && { cancelSignal }),
  });
  if (!(result instanceof Error)) return result.all;
  if (result.code === "ENOENT")
    throw new ModelError(`${command} is not installed; Debian's package is ${path.basename(command)}`);
  if (result.isCanceled || (result.exitCode === undefined && result.signal === undefined)) throw result;
  throw new ModelError(
    `${command} ${args.join(" ")} ended with ${result.signal ?? result.exitCode}:\n${tail(result.all)}`,
  );
}
