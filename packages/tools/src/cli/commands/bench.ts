/** `hakmem bench`: measures allocators under workloads. */

import type { Command } from "commander";
import { givenOptions, list, positiveNumber, wholeNumber, type Register } from "../command.js";
import type { BenchOptions } from "../actions/bench.js";
import { DEFAULT_WIDEST, QUICK_ROUNDS, ROUNDS } from "../../lab/defaults.js";

export const registerBench: Register = (program) => {
  program
    .command("bench")
    .description("measure allocators: net ns/op over the null allocator, memory, scaling with threads")
    .option(
      "--programs [names]",
      "whole programs instead of workloads: time, memory, and what cachegrind counts (all of them, or sqlite,lua ...)",
      list,
    )
    .option("-w, --workload <names>", "workloads, by name (random-mixed) or variant (random-mixed/400)", list)
    .option("-p, --peer <names>", "peers (hakmem, hakmem:compact, tlsf, emmalloc ...)", list)
    .option(
      "-t, --target <names>",
      "wasm32, wasm32-shared, js, native; for programs native, emscripten, emscripten-threads, wasi",
      list,
    )
    .option(
      "--threads <numbers>",
      "numbers of threads for the workloads that have several (default: 1 to the number of cores)",
      list,
    )
    .option("--node <versions>", "versions of Node to measure under (20,24); installed when needed", list)
    .option(
      "-r, --rounds <number>",
      `interleaved rounds (default: ${ROUNDS}, ${QUICK_ROUNDS} with --quick)`,
      wholeNumber(1, 1000),
    )
    .option("--runs <number>", "timed runs in each visit of a round; the fastest counts", wholeNumber(1, 100), 7)
    .option("-q, --quick", "less of everything: all workloads of one thread in under a minute", false)
    .option("-b, --baseline <peer>", "the peer that ratios are about", "hakmem")
    .option(
      "--widest <fraction>",
      "print no ratio whose interval is wider than this, to either side",
      positiveNumber(10),
      DEFAULT_WIDEST,
    )
    .option("--ceiling", "measure also the structure alone, without safety and accounting, pre-filled", false)
    .option("--timeout <seconds>", "longest that one visit may take", positiveNumber(3600), 120)
    .option("--json [file]", "print the results as JSON, or write them to a file beside the table")
    .option("--report <file>", "write one self-contained page with charts")
    .option("--setup", "say how to install the peers that are missing, and measure nothing", false)
    .option("--list", "list workloads and peers, and measure nothing", false)
    .addHelpText(
      "after",
      `
Programs are Debian's: their sources are downloaded once and compiled by the system's compilers, and some are installed already.
Beside the peers that needs gcc, g++, time, valgrind, make, tcl, ruby and bison; python3, perl, git and redis-server are programs
themselves. There are 7 rounds, 3 with --quick, with which nothing is counted. All of it takes about two hours, most of which is counting.
Of the other options, --peer, --target, --rounds, --json and --list are for programs too.

An interrupt (Ctrl-C) ends the measurement; the rounds that were finished are printed, marked as incomplete.

Exit code: 0 done, 1 a peer failed or returned a wrong checksum, 2 wrong arguments, 130 interrupted.`,
    )
    .action(async (options: BenchOptions, command: Command) => {
      if (options.programs === undefined || options.list) return (await import("../actions/bench.js")).bench(options);
      return (await import("../actions/bench-programs.js")).benchPrograms(options, givenOptions(command));
    });
};
