/** One run of a program: how long it took, how much memory, what it printed; and what it takes that no neighbour can disturb. */

import { readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { ExplainedError, MeasurementError } from "../../base/errors.js";
import { requireTool } from "../../base/compilers.js";
import { exists } from "../../base/exists.js";
import { MEASURED, type Command } from "./toolchains.js";

/** A program with all that it is started with. */
export interface Run {
  readonly command: Command;
  readonly args: readonly string[];
  /** File that is its standard input; nothing by default. */
  readonly input: string | undefined;
  /** Directory in which it runs. */
  readonly cwd: string;
}

/** What a run of a program took. */
export interface Visit {
  readonly ms: number;
  /** Of a WebAssembly memory at the end, or resident at most of a process of this machine's; null when a program does not say. */
  readonly bytes: number | null;
  readonly output: string;
}

/** What a run of a program takes whatever else the machine does. */
export interface Counts {
  readonly instructions: number;
  /** Misses of data in a first-level and in a last-level cache, when they were counted: of 32 KiB and 8 MiB, as cachegrind simulates them. */
  readonly misses?: { readonly first: number; readonly last: number };
}

const TIMEOUT_MS = 300_000;
/** Of programs that are counted, which takes a hundred times as long. */
const COUNTING_TIMEOUT_MS = 1_800_000;
const MOST_OUTPUT = 2 ** 28;
/** Where GNU time writes. */
const RESIDENT = "resident.txt";
/** The same caches on every machine: bytes, ways, bytes of a line. */
const CACHES = ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64"];

/** Rejects with {@link ExplainedError} when what measures is not installed: before hours of it are lost for want of it. */
export async function requireMeasuring(isNative: boolean, isCounted: boolean): Promise<void> {
  if (isNative) await requireTool("time");
  if (isCounted) await requireTool("valgrind");
}

/** Runs a program to its end. Rejects with {@link MeasurementError} when it fails. */
export async function visit(run: Run, isNative: boolean): Promise<Visit> {
  const { command, cwd } = run;
  // A process begins with what its parent had resident, which of Node is too much: of `time` it is next to nothing.
  const words = isNative ? ["time", "--quiet", "--format=%M", `--output=${RESIDENT}`, "--"] : [];
  const [file = "", ...args] = [...words, command.file, ...command.args, ...run.args];
  const begin = performance.now();
  const result = await execa(file, args, { ...optionsOf(run), timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT });
  const ms = performance.now() - begin;
  if (result.code === "ENOENT") throw new ExplainedError(`${file} is not installed`);
  if (result.exitCode !== 0) {
    const name = command.args.at(-1) ?? command.file;
    const how = result.timedOut ? "no end" : (result.signal ?? result.exitCode);
    throw new MeasurementError(`${name} ended with ${how}:\n${result.stderr.slice(-1000)}`);
  }
  const output = result.stdout;
  if (isNative) return { ms, bytes: Number(await readFile(path.join(cwd, RESIDENT), "utf8")) * 1024, output };
  const measured = path.join(cwd, MEASURED);
  if (!(await exists(measured))) return { ms, bytes: null, output };
  const inside = JSON.parse(await readFile(measured, "utf8")) as { ms: number; bytes: number };
  await rm(measured);
  return { ...inside, output };
}

/**
 * V8 with everything in one thread, and with its optimising compiler alone: it does the same each time, however soon it would have found
 * out what to optimise. Valgrind must look for code that is written anew.
 */
const COUNTED_NODE = ["--single-threaded", "--predictable", "--no-liftoff"];
const COUNTING_NODE = "--smc-check=all-non-file";
/** Where cachegrind writes, and what it calls functions that are in no file: those that Node's engine has made. */
const COUNTS = "cachegrind.out";
const GENERATED = "???";

/**
 * Counts what a program of one thread takes, by cachegrind: with `caches` also what misses them, which takes three times as long. Of one
 * that Node runs it is what the code takes that the engine made of it, not the engine, which takes as much again for its start and for
 * compiling.
 */
export async function count(run: Run, caches: boolean): Promise<Counts> {
  const { command, cwd } = run;
  const isNode = command.file === process.execPath;
  const options = ["--tool=cachegrind", `--cachegrind-out-file=${COUNTS}`, `--cache-sim=${caches ? "yes" : "no"}`];
  const words = [...options, ...(caches ? CACHES : []), ...(isNode ? [COUNTING_NODE] : []), command.file];
  words.push(...(isNode ? COUNTED_NODE : []), ...command.args, ...run.args);
  const result = await execa("valgrind", words, {
    ...optionsOf(run),
    stdout: "ignore",
    timeout: COUNTING_TIMEOUT_MS,
  });
  if (result.code === "ENOENT") throw new ExplainedError("valgrind is not installed");
  if (result.exitCode !== 0)
    throw new MeasurementError(`valgrind ended with ${result.exitCode}:\n${result.stderr.slice(-1000)}`);
  const file = path.join(cwd, COUNTS);
  const events = eventsOf(await readFile(file, "utf8"), isNode ? GENERATED : undefined);
  await rm(file);
  const sum = (...names: string[]): number => names.reduce((total, name) => total + (events.get(name) ?? 0), 0);
  const instructions = sum("Ir");
  return caches
    ? { instructions, misses: { first: sum("D1mr", "D1mw"), last: sum("DLmr", "DLmw") } }
    : { instructions };
}

/**
 * What happened how often, in one function or in all, by what cachegrind wrote: `events:` and their names, and after each `fn=` lines of a
 * line's number and its events ({@link https://valgrind.org/docs/manual/cg-manual.html}).
 */
export function eventsOf(written: string, only: string | undefined): ReadonlyMap<string, number> {
  const names = /^events: (.+)$/m.exec(written)?.[1]?.split(" ");
  if (names === undefined) throw new MeasurementError("cachegrind wrote something that names no events");
  const sums = names.map(() => 0);
  let isCounted = only === undefined;
  for (const line of written.split("\n")) {
    if (line.startsWith("fn=")) isCounted = only === undefined || line.slice("fn=".length) === only;
    else if (isCounted && /^\d/.test(line)) {
      const [, ...counts] = line.split(" ").map(Number);
      counts.forEach((each, n) => (sums[n] = (sums[n] ?? 0) + each));
    }
  }
  return new Map(names.map((name, n) => [name, sums[n] ?? 0]));
}

function optionsOf({ command, input, cwd }: Run) {
  return {
    cwd,
    env: command.env ?? {},
    stdin: input === undefined ? "ignore" : { file: input },
    reject: false,
  } as const;
}
