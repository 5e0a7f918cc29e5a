/** `npm run prove -- soak`: runs for hours, on every target and profile, and writes the record. */

import { setImmediate } from "node:timers/promises";
import { InvalidArgumentError, type Command } from "commander";
import { abortOnInterrupt } from "../../base/scratch.js";
import { EXIT, list, listFrom, wholeNumber, type Register } from "../../cli/command.js";
import { RequestError, unknownName } from "../../base/errors.js";
import { traitsOf, type Target } from "../../profile/target.js";
import { loadProfile, shippedProfileNames } from "../../profile/index.js";
import { isNative, soakProgram, type SoakProgram } from "./program.js";
import { describeFault, SOAK_TARGETS, type SoakTarget } from "./protocol.js";
import { checkPage, readLines, revision, writeRecord, type RecordLine } from "./record.js";
import { runRound, type Configuration, type Round } from "./round.js";

interface SoakOptions {
  readonly threads: readonly string[];
  readonly operations: number;
  readonly target: readonly string[];
  readonly profile?: readonly string[];
  readonly seed: number;
  readonly jobs: number;
  readonly resume: boolean;
  readonly out: string;
}

/** What a line of the record is about, and what an interruption can lose. */
const ROUND_OPERATIONS = 1.25e8;
const THREADS: readonly string[] = ["2", "8"];
const MOST_OPERATIONS = 1e12;
const MOST_THREADS = 64;

export const registerSoak: Register = (program) => {
  program
    .command("soak")
    .description("check operations of a random program on every target and profile, and record it")
    .option("-n, --operations <number>", "checked operations of each target, profile and number of threads", count, 1e9)
    .option("--threads <numbers>", "numbers of threads; private memories have one", listFrom(THREADS), THREADS)
    .option("--target <names>", "targets", listFrom(SOAK_TARGETS), SOAK_TARGETS)
    .option("--profile <names>", "profiles (default: all that are shipped)", list)
    .option("--seed <number>", "seed of the first round; each further one has the next", wholeNumber(0, 2 ** 30), 1)
    .option("-j, --jobs <number>", "rounds that run at once", wholeNumber(1, 64), 1)
    .option("--resume", "go on: leave out the rounds that are on record, with the same allocator and checker", false)
    .option("--out <file>", "page that receives the table; rounds go into the .jsonl beside it", "docs/soak.md")
    .addHelpText(
      "after",
      `
The first fault ends the soak, and is told with how to run its heap again. Rounds of ${ROUND_OPERATIONS / 1e6} million operations go on record as
they end, so a soak may be interrupted and gone on with:
  nice -n 19 npm run prove -- soak --resume
Without --resume, what is on record of the same targets, profiles and threads is replaced.

Exit code: 0 no fault, 1 a fault, 2 wrong arguments, 130 interrupted.`,
    )
    .action(soak);
};

async function soak(options: SoakOptions, _: Command): Promise<void> {
  const configurations = await configurationsOf(options);
  await checkPage(options.out);
  let lines = await readLines(options.out);
  const programs = new Map<string, SoakProgram>();
  for (const { target, profile } of configurations) {
    const key = keyOf({ target, profile: profile.name });
    if (!programs.has(key)) programs.set(key, await soakProgram(target, profile));
  }
  const programOf = ({ target, profile }: Configuration): SoakProgram => {
    const program = programs.get(keyOf({ target, profile: profile.name }));
    if (program === undefined) throw new Error(`no program was made for ${target} ${profile.name}`);
    return program;
  };

  const all = roundsOf(configurations, options);
  const isDone = (round: Round): boolean =>
    lines.some((line) => line.fault === null && isOf(line, round) && line.inputs === programOf(round).fingerprint);
  const open = options.resume ? all.filter((round) => !isDone(round)) : all;
  // What is kept of these rows was found in this allocator, with other seeds than those to come; where the soak begins anew, nothing.
  const isReplaced = (line: RecordLine): boolean => {
    const row = configurations.find((each) => keyOf(line, line.threads) === keyOfConfiguration(each));
    if (row === undefined) return false;
    if (!options.resume || line.inputs !== programOf(row).fingerprint) return true;
    return open.some((round) => keyOfConfiguration(round) === keyOfConfiguration(row) && round.seed === line.seed);
  };
  lines = lines.filter((line) => !isReplaced(line));
  console.error(`${open.length} rounds to run, ${all.length - open.length} on record`);

  const tested = await revision();
  const interrupted = abortOnInterrupt();
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupted, stop.signal]);
  let faults = 0;
  let ended = all.length - open.length;
  const queue = [...open];
  const work = async (): Promise<void> => {
    for (let round = queue.shift(); round !== undefined && !signal.aborted; round = queue.shift()) {
      const { target, profile, threads, seed, operations } = round;
      const program = programOf(round);
      const { reproduction, ...outcome } = await runRound(round, program, signal);
      const inputs = program.fingerprint;
      lines.push({
        ...{ target, profile: profile.name, threads, seed, operations, inputs, revision: tested },
        ...outcome,
      });
      await save();
      const name = `${target} ${profile.name}, ${threads} threads, seed ${seed}`;
      const done = `${++ended} of ${all.length}`;
      if (outcome.fault === null) console.error(`${done}: ${name}: ${outcome.figures.operations} operations, no fault`);
      else {
        faults++;
        console.error(`FAULT in ${name}: ${describeFault(outcome.fault)}\nTo run this heap again:\n${reproduction}`);
        stop.abort();
      }
    }
  };
  /** One write at a time; the order of the table is that of the rounds, whichever ended first. */
  let saving = Promise.resolve();
  const save = (): Promise<void> => {
    const place = (line: RecordLine): number => all.findIndex((round) => isOf(line, round));
    saving = saving.then(() =>
      writeRecord(
        options.out,
        [...lines].sort((a, b) => place(a) - place(b)),
      ),
    );
    return saving;
  };
  const results = await Promise.allSettled(Array.from({ length: options.jobs }, work));
  // A terminal interrupts the processes as well, and this one may learn of theirs first.
  await setImmediate();
  for (const result of results) if (result.status === "rejected" && !signal.aborted) throw result.reason;

  const asked = lines.filter((line) => all.some((round) => isOf(line, round)));
  const operations = asked.reduce((total, { figures }) => total + figures.operations, 0);
  console.log(
    `${operations} operations checked in ${asked.length} of ${all.length} rounds, ${faults} faults: ${options.out}`,
  );
  process.exitCode = faults > 0 ? EXIT.failed : interrupted.aborted ? EXIT.interrupted : EXIT.ok;
}

async function configurationsOf({ target, profile, threads }: SoakOptions): Promise<Configuration[]> {
  const targets = target.map((name) => {
    const known = SOAK_TARGETS.find((each) => each === name);
    if (known === undefined) throw unknownName("target", name, SOAK_TARGETS);
    return known;
  });
  const counts = threads.map((text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1 && number <= MOST_THREADS) return number;
    throw new RequestError(
      `--threads is "${text}"; it must be whole numbers from 1 to ${MOST_THREADS}, with commas between them`,
    );
  });
  const names = await shippedProfileNames();
  const unknown = profile?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName("profile", unknown, names);
  const profiles = await Promise.all((profile ?? names).map(loadProfile));
  return targets.flatMap((target) =>
    profiles.flatMap((profile) =>
      (isNative(target) || traitsOf(target as Target).shared ? counts : [1]).map((threads) => ({
        target,
        profile,
        threads,
      })),
    ),
  );
}

/** Rounds of all configurations in turn, so that a soak that is interrupted has seen something of each. */
function roundsOf(configurations: readonly Configuration[], { operations, seed }: SoakOptions): Round[] {
  const rounds = Math.ceil(operations / ROUND_OPERATIONS);
  return Array.from({ length: rounds }, (_, n) =>
    configurations.map((configuration) => ({
      ...configuration,
      operations: Math.floor((operations * (n + 1)) / rounds) - Math.floor((operations * n) / rounds),
      seed: seed + n,
    })),
  ).flat();
}

function isOf(line: RecordLine, round: Round): boolean {
  return (
    keyOf(line, line.threads) === keyOfConfiguration(round) &&
    line.seed === round.seed &&
    line.operations === round.operations
  );
}

function keyOf({ target, profile }: { readonly target: SoakTarget; readonly profile: string }, threads = 0): string {
  return `${target} ${profile} ${threads}`;
}

function keyOfConfiguration({ target, profile, threads }: Configuration): string {
  return keyOf({ target, profile: profile.name }, threads);
}

/** `1e9`, `2000000`. */
function count(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 1 || value > MOST_OPERATIONS) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_OPERATIONS}; 1e9 is one.`);
  }
  return value;
}
