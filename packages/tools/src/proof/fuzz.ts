/**
 * `npm run prove -- fuzz`: libFuzzer over test/native/fuzz/fuzz.c, which makes calls of bytes and knows what must hold.
 *
 * The corpus is one text file, an input a line in base64: what reached something new in some profile, made small by --merge.
 */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { EXIT, list, type Register, wholeNumber } from "../cli/command.js";
import { ROOT } from "../base/paths.js";
import { RequestError } from "../base/errors.js";
import { checkInputFile, checkOutputDirectory } from "../base/output.js";
import type { Profile } from "../profile/index.js";
import { clang, compileBeside, compileLibrary, generateSource, profilesFor, withoutStart } from "./clang.js";
import { execute } from "./execute.js";
import { withScratch } from "../base/scratch.js";

const FUZZ = path.join(ROOT, "test", "native", "fuzz");
const CORPUS = path.join(FUZZ, "corpus.txt");
const LONGEST_INPUT = 400;
/** An input takes milliseconds; one that takes so long, on a busy machine, is a finding. */
const LONGEST_SECONDS = 60;

/** What the library asks of the system, which fuzz.c answers. */
const ASKED: readonly string[] = [
  "mmap",
  "munmap",
  "mprotect",
  "madvise",
  "getrlimit",
  "getrandom",
  "clock_gettime",
  "sched_yield",
  "abort",
  "write",
  "backtrace",
  "backtrace_symbols_fd",
  "pthread_key_create",
  "pthread_atfork",
];

/** Coverage of the library alone: which of its edges an input reaches, and how often. */
const COVERED: readonly string[] = ["-fsanitize-coverage=inline-8bit-counters,pc-table"];
const CHECKED: readonly string[] = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];

/** Builds the fuzzer of a profile in `directory`, and returns its path. */
export async function buildFuzzer(profile: Profile, directory: string): Promise<string> {
  const out = path.join(directory, `fuzz-${profile.name}`);
  const library = await compileLibrary({
    source: await generateSource(profile, `${out}.source`),
    out,
    flags: [...CHECKED, ...COVERED, "-include", path.join(FUZZ, "sections.h")],
    renames: {
      ...Object.fromEntries(ASKED.map((name) => [name, `fuzz_${name}`])),
      start: "hk_start",
      end: "hk_end",
    },
    opened: ["hk_start", "hk_end"],
  }).then(withoutStart);
  const object = `${out}.o`;
  await compileBeside(profile, path.join(FUZZ, "fuzz.c"), object, [`-DFUZZ_HARDENED=${profile.hardened}`]);
  // At fixed addresses: the allocator's random numbers depend on them.
  await clang(["-fsanitize=fuzzer,undefined", "-no-pie", "-pthread", object, library.object, "-o", out]);
  return out;
}

/** Reads the corpus that is kept into files of `directory`; returns how many inputs there are. */
export async function unpackCorpus(directory: string): Promise<number> {
  const lines = (await readFile(CORPUS, "utf8")).split("\n").filter((line) => line !== "");
  await mkdir(directory, { recursive: true });
  await Promise.all(lines.map((line, n) => writeFile(path.join(directory, `kept-${n}`), Buffer.from(line, "base64"))));
  return lines.length;
}

/** How long to go on: for so many seconds, or so many inputs made by chance from a seed. */
export type Extent = { readonly seconds: number } | { readonly runs: number; readonly seed: number };

export interface Fuzzed {
  /** Edges of the library that were reached, and all there are. */
  readonly reached: number;
  readonly edges: number;
  /** Inputs that were run. */
  readonly runs: number;
  /** What went wrong; undefined when nothing did. */
  readonly failure: { readonly report: string; readonly input: string | undefined } | undefined;
}

/** Runs the inputs of `corpus`, and new ones, which it adds there when they reach something new. */
export async function fuzz(
  fuzzer: string,
  corpus: string,
  extent: Extent,
  environment: Readonly<Record<string, string>> = {},
): Promise<Fuzzed> {
  const before = new Set(await readdir(path.dirname(fuzzer)));
  const kept = (await readdir(corpus)).length;
  const { status, errors } = await execute(
    fuzzer,
    [
      ...("seconds" in extent
        ? [`-max_total_time=${extent.seconds}`]
        : [`-runs=${kept + extent.runs}`, `-seed=${extent.seed}`]),
      `-max_len=${LONGEST_INPUT}`,
      "-len_control=0",
      `-timeout=${LONGEST_SECONDS}`,
      "-report_slow_units=1000",
      `-artifact_prefix=${fuzzer}-failure-`,
      corpus,
    ],
    environment,
    "seconds" in extent ? extent.seconds + 300 : 600,
  );
  const input = (await readdir(path.dirname(fuzzer))).find(
    (file) => !before.has(file) && file.startsWith(`${path.basename(fuzzer)}-failure-`),
  );
  return {
    reached: last(errors, /\bcov: (\d+)/g),
    edges: last(errors, /\((\d+) inline 8-bit counters\)/g),
    runs: last(errors, /^(?:#|Done )(\d+)/gm),
    failure:
      status === 0
        ? undefined
        : {
            report: reportOf(errors) || `ended with ${status}\n${errors}`,
            input: input === undefined ? undefined : path.join(path.dirname(fuzzer), input),
          },
  };
}

/** Runs one input with its calls printed, and returns what was printed. */
export async function repeat(
  fuzzer: string,
  input: string,
): Promise<{ readonly failed: boolean; readonly text: string }> {
  const { status, errors } = await execute(
    fuzzer,
    [`-timeout=${LONGEST_SECONDS}`, `-artifact_prefix=${fuzzer}-`, input],
    { FUZZ_PRINT: "1" },
    120,
  );
  return { failed: status !== 0, text: errors };
}

/** The lines that say what did not hold. */
function reportOf(errors: string): string {
  return errors
    .split("\n")
    .filter((line) => /not true|runtime error|ERROR: libFuzzer|^SUMMARY/.test(line))
    .join("\n");
}

function last(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/**
 * Keeps a small set of inputs that reaches in every profile what all of `corpora` reach: each adds what those before lack. How
 * often an edge is reached does not count, which would make the set many times larger.
 */
async function merge(fuzzers: readonly string[], corpora: readonly string[], work: string): Promise<number> {
  const merged = path.join(work, "merged");
  const all = path.join(work, "all");
  await mkdir(merged);
  await mkdir(all);
  // New inputs are named by what they hold, kept ones by their number: each is there once.
  for (const corpus of corpora) {
    for (const file of await readdir(corpus)) await copyFile(path.join(corpus, file), path.join(all, file));
  }
  for (const fuzzer of fuzzers) {
    console.error(`merging what ${path.basename(fuzzer)} reaches`);
    const limits = [`-max_len=${LONGEST_INPUT}`, `-timeout=${LONGEST_SECONDS}`];
    const { status, errors } = await execute(fuzzer, ["-merge=1", "-use_counters=0", ...limits, merged, all], {}, 3600);
    if (status !== 0) throw new Error(`merging ended with ${status}\n${errors}`);
  }
  const files = await readdir(merged);
  const lines = await Promise.all(files.map((file) => readFile(path.join(merged, file), "base64")));
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  await writeFile(CORPUS, lines.map((line) => `${line}\n`).join(""));
  return lines.length;
}

interface CommandOptions {
  readonly profile?: readonly string[];
  readonly seconds: number;
  readonly merge?: true;
  readonly repeat?: string;
  readonly out: string;
}

const HELP = `
An input that fails is kept in the directory of --out. Its calls are printed by
  npm run prove -- fuzz --profile NAME --repeat FILE`;

export const registerFuzz: Register = (program) => {
  program
    .command("fuzz")
    .description("search for sequences of calls that break the allocator, by libFuzzer")
    .option("--profile <names>", "profiles, by name or file (default: all that are shipped)", list)
    .option(
      "--seconds <n>",
      "how long to search in each profile; 0 runs the corpus alone",
      wholeNumber(0, 1_000_000),
      60,
    )
    .option("--merge", "keep what was found to reach something new: writes test/native/fuzz/corpus.txt")
    .option("--repeat <file>", "run this input alone and print its calls")
    .option("--out <directory>", "where inputs that fail are put", "fuzz-failures")
    .addHelpText("after", HELP)
    .action(run);
};

async function run(options: CommandOptions): Promise<void> {
  const profiles = await profilesFor(options.profile ?? []);
  if (options.merge && options.profile !== undefined) {
    throw new RequestError("--merge is for all profiles: what one does not reach, another may; leave --profile out");
  }
  if (options.repeat === undefined) await checkOutputDirectory(options.out);
  else await checkInputFile(options.repeat);
  const failed = await withScratch("fuzz", (work) => fuzzAll(profiles, options, work));
  process.exitCode = failed ? EXIT.failed : EXIT.ok;
}

/** Returns whether anything was found that is wrong. */
async function fuzzAll(profiles: readonly Profile[], options: CommandOptions, work: string): Promise<boolean> {
  const fuzzers: string[] = [];
  const corpora: string[] = [];
  let failed = false;
  for (const profile of profiles) {
    console.error(`building the fuzzer of profile ${profile.name}`);
    const fuzzer = await buildFuzzer(profile, work);
    if (options.repeat !== undefined) {
      const { text, failed: wrong } = await repeat(fuzzer, options.repeat);
      console.log(text);
      failed ||= wrong;
      continue;
    }
    const corpus = path.join(work, `corpus-${profile.name}`);
    const kept = await unpackCorpus(corpus);
    fuzzers.push(fuzzer);
    corpora.push(corpus);
    console.error(`running ${kept} inputs, and new ones for ${options.seconds} s`);
    const extent = options.seconds > 0 ? { seconds: options.seconds } : { runs: 0, seed: 1 };
    const { reached, edges, runs, failure } = await fuzz(fuzzer, corpus, extent);
    console.log(
      `${profile.name}: ${runs} runs reached ${reached} of ${edges} edges: ${failure ? "FAILED" : "all held"}`,
    );
    if (failure === undefined) continue;
    failed = true;
    console.log(failure.report);
    if (failure.input === undefined) continue;
    await mkdir(options.out, { recursive: true });
    const saved = path.join(options.out, path.basename(failure.input));
    await copyFile(failure.input, saved);
    console.log(`to repeat: npm run prove -- fuzz --profile ${profile.name} --repeat ${saved}`);
  }
  if (options.merge && !failed) console.log(`${await merge(fuzzers, corpora, work)} inputs are kept in ${CORPUS}`);
  return failed;
}
