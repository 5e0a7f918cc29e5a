/** `npm run prove -- sanitize`: the generated C and its platform under clang's sanitizers, in programs with several threads. */

import * as path from "node:path";
import { Option } from "commander";
import { EXIT, list, type Register, wholeNumber } from "../cli/command.js";
import type { Profile } from "../profile/index.js";
import {
  type Change,
  compileLibrary,
  generateSource,
  linkProgram,
  profilesFor,
  type RenamedLibrary,
  type Source,
  TEST_PROGRAMS,
  withoutStart,
} from "./clang.js";
import { execute } from "./execute.js";
import { withScratch } from "../base/scratch.js";

/** What clang instruments a build for, in its own words. */
export const SANITIZERS = ["thread", "address,undefined"] as const;
export type Sanitizer = (typeof SANITIZERS)[number];

function flagsOf(sanitizer: Sanitizer): readonly string[] {
  return [`-fsanitize=${sanitizer}`, "-fno-sanitize-recover=all"];
}

/** Clang does not look at the alignment of what atomic operations are given, so it is told what they need. */
const CHANGES: Readonly<Record<Sanitizer, readonly Change[]>> = {
  thread: [],
  "address,undefined": [
    {
      file: "runtime.h",
      from: "(any_##narrow *)at,",
      to: "(any_##narrow *)__builtin_assume_aligned((void *)at, sizeof(narrow)),",
    },
  ],
};

/** Forks of programs with threads are what some of the programs are about. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  TSAN_OPTIONS: "die_after_fork=0:history_size=4",
  UBSAN_OPTIONS: "print_stacktrace=1",
};

/** Memory has an end, or goes back to the system at once. */
const SHORT_OF_MEMORY = { HAKMEM_LIMIT: "24m" };
const KEEPS_NOTHING = { HAKMEM_PURGE_DELAY: "0", HAKMEM_RETAIN_COUNT: "0" };

/** A program of test/native/programs, and how it is run. */
export interface Trial {
  readonly program: string;
  /** Its arguments, for an effort of so many thousand operations. */
  readonly args?: (effort: number) => readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Without the library's constructor: the first calls of all threads are the first of the process. */
  readonly unstarted?: boolean;
  /** Only under this one; under all unless given. */
  readonly only?: Sanitizer;
}

/**
 * ThreadSanitizer has `starters` and `rounds` to itself, where nothing but the allocator orders threads. It delivers signals late, so that
 * none comes in the middle of a call, and is gone before the last round of a thread's destructors: so not `jumps` and `exits`.
 */
const TRIALS: readonly Trial[] = [
  { program: "exchange", args: (effort) => [2, effort * 1000] },
  { program: "exchange", args: (effort) => [3, effort * 1000], environment: KEEPS_NOTHING },
  { program: "exchange", args: (effort) => [8, effort * 1000] },
  { program: "exchange", args: (effort) => [3, effort * 1000], environment: SHORT_OF_MEMORY },
  { program: "starters", environment: KEEPS_NOTHING, only: "thread" },
  { program: "starters", unstarted: true, only: "thread" },
  { program: "rounds", args: (effort) => [effort * 20], only: "thread" },
  { program: "fork", args: (effort) => [Math.ceil(effort / 4)] },
  { program: "exits", only: "address,undefined" },
  { program: "jumps", args: (effort) => [effort * 10], only: "address,undefined" },
];

export interface SanitizeOptions {
  readonly profiles: readonly Profile[];
  readonly sanitizers: readonly Sanitizer[];
  /** How long a program works, as a factor: 20 takes about a second a program. */
  readonly effort: number;
  /** What to run; all that there is unless given. */
  readonly trials?: readonly Trial[];
  /** A fault that is put into the library, to see it found. */
  readonly fault?: Change;
  readonly onStep?: (step: string) => void;
}

/** How one program ended under one sanitizer. */
export interface Finding {
  readonly profile: string;
  readonly sanitizer: Sanitizer;
  /** The program and its arguments. */
  readonly run: string;
  /** What was reported; empty when all is right. */
  readonly report: string;
}

/** Builds and runs every program under every sanitizer. */
export async function sanitize(options: SanitizeOptions): Promise<Finding[]> {
  return withScratch("sanitize", async (work) => {
    const findings: Finding[] = [];
    for (const profile of options.profiles) {
      options.onStep?.(`compiling profile ${profile.name} to C`);
      for (const sanitizer of options.sanitizers) {
        const changes = [...CHANGES[sanitizer], ...(options.fault === undefined ? [] : [options.fault])];
        const source = await generateSource(profile, path.join(work, profile.name, sanitizer), changes);
        findings.push(...(await sanitizeOne(source, sanitizer, options)));
      }
    }
    return findings;
  });
}

async function sanitizeOne(source: Source, sanitizer: Sanitizer, options: SanitizeOptions): Promise<Finding[]> {
  const { effort, onStep } = options;
  const trials = (options.trials ?? TRIALS).filter(({ only = sanitizer }) => only === sanitizer);
  const flags = flagsOf(sanitizer);
  const started = await compileLibrary({ source, out: path.join(source.directory, "sanitized"), flags });
  const unstarted = trials.some((trial) => trial.unstarted) ? await withoutStart(started) : started;

  const programs = new Map<string, Promise<string>>();
  const built = (name: string, library: RenamedLibrary): Promise<string> => {
    const out = `${library.object}-${name}`;
    const known = programs.get(out);
    if (known !== undefined) return known;
    const file = path.join(TEST_PROGRAMS, `${name}.c`);
    const build = linkProgram({ file, library, out, flags }).then(() => out);
    programs.set(out, build);
    return build;
  };
  const findings: Finding[] = [];
  for (const { program, args, environment = {}, unstarted: early = false } of trials) {
    const numbers = args?.(effort).map(String) ?? [];
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const run = [...settings, program, ...numbers, ...(early ? ["(without the constructor)"] : [])].join(" ");
    onStep?.(`${source.profile.name}, ${sanitizer}: ${run}`);
    const file = await built(program, early ? unstarted : started);
    const { status, errors } = await execute(file, numbers, { ...ENVIRONMENT, ...environment }, 60 + effort * 10);
    const report = status === 0 && !/Sanitizer|runtime error/.test(errors) ? "" : `ended with ${status}\n${errors}`;
    findings.push({ profile: source.profile.name, sanitizer, run, report });
  }
  return findings;
}

interface CommandOptions {
  readonly only?: Sanitizer;
  readonly profile?: readonly string[];
  readonly effort: number;
}

export const registerSanitize: Register = (program) => {
  program
    .command("sanitize")
    .description("run the generated C under ThreadSanitizer, AddressSanitizer and UndefinedBehaviorSanitizer")
    .addOption(new Option("--only <sanitizers>", "run this build alone").choices(SANITIZERS))
    .option("--profile <names>", "profiles, by name or file (default: all that are shipped)", list)
    .option("--effort <n>", "how long each program works: 20 is about a second", wholeNumber(1, 100_000), 200)
    .action(async ({ only, profile = [], effort }: CommandOptions) => {
      const findings = await sanitize({
        profiles: await profilesFor(profile),
        sanitizers: only === undefined ? SANITIZERS : [only],
        effort,
        onStep: (step) => {
          console.error(step);
        },
      });
      for (const finding of findings) {
        console.log(`${finding.profile}  ${finding.sanitizer}  ${finding.run}: ${finding.report || "clean"}`);
      }
      const wrong = findings.filter(({ report }) => report !== "").length;
      console.log(
        wrong === 0 ? `all ${findings.length} runs are clean` : `${wrong} of ${findings.length} runs are not clean`,
      );
      process.exitCode = wrong === 0 ? EXIT.ok : EXIT.failed;
    });
};
