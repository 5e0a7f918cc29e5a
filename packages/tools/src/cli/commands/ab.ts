/** `hakmem ab`: compares a baseline with variants of the allocator and says what to do about them. */

import type { Command } from "commander";
import { AB_WORKLOADS, DEFAULT_THRESHOLDS } from "../../lab/defaults.js";
import { givenOptions, list, positiveNumber, wholeNumber, type Register } from "../command.js";
import type { AbOptions } from "../actions/ab.js";

/** Fewer cannot be certain of anything. */
const LEAST_ROUNDS = 6;

export const registerAb: Register = (program) => {
  program
    .command("ab")
    .description("judge variants of the allocator against a baseline: adopt, neutral or refuse")
    .argument("<baseline>", "variant to compare with, for instance default")
    .argument("<variant...>", "variants to judge")
    .option(
      "--programs [names]",
      "whole programs instead of workloads, and native builds (all of them, or sqlite,lua ...)",
      list,
    )
    .option("-w, --workload <names>", `workloads (default: ${AB_WORKLOADS.join(", ")})`, list)
    .option("-r, --rounds <number>", "interleaved rounds", wholeNumber(LEAST_ROUNDS, 1000), 10)
    .option(
      "-q, --quick",
      "less of everything, for a first look; where code happens to lie then counts, and of programs nothing is counted",
      false,
    )
    .option("--runs <number>", "timed runs in each visit of a round; the fastest counts", wholeNumber(1, 100), 7)
    .option("--threshold <fraction>", "change of ns/op that counts", positiveNumber(1), DEFAULT_THRESHOLDS.time)
    .option(
      "--instructions <fraction>",
      "change of a program's instructions that counts",
      positiveNumber(1),
      DEFAULT_THRESHOLDS.instructions,
    )
    .option(
      "--memory <fraction>",
      "growth of committed memory that counts, or of what a program has resident",
      positiveNumber(10),
      DEFAULT_THRESHOLDS.memory,
    )
    .option("--json", "print the experiment as JSON", false)
    .option("--record", "write the experiment to docs/experiments/; needs --title", false)
    .option("--title <text>", "what was tried, in one line")
    .option("--reason <text>", "why it was tried, or why it is decided as it is")
    .addHelpText(
      "after",
      `
A variant is written [PROFILE][@REVISION][,CONSTANT=NUMBER]...:
  compact                      a profile, by name or by path (./mine.json)
  HK_CACHE_MAX=512             the default profile with another compile-time constant
  compact,HK_CACHE_MAX=512     both
  @HEAD~1                      assembly/ and native/ as they were in a git revision

With --programs the variants are native libraries, loaded into the programs of hakmem bench --programs, in turn. Of programs of one thread
cachegrind counts instructions, which decide: they do not depend on what else the machine does. Some programs (lua, perl) see addresses,
which makes up to 1 %; of others 0.1 % is a change. Counting takes a hundred times as long as a round, so name the programs that matter.

Exit code: 0 judged (whatever the verdict), 1 a variant could not be measured, 2 wrong arguments, 130 interrupted.`,
    )
    .action(async (baseline: string, variants: string[], options: AbOptions, command: Command) => {
      await (await import("../actions/ab.js")).ab(baseline, variants, options, givenOptions(command));
    });
};
