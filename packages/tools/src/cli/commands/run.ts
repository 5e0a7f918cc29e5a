/** `hakmem run`: starts a program under the native library, or under another allocator for comparison. */

import { Option } from "commander";
import { NATIVE_PEERS } from "../../run/allocators.js";
import { byteCount, wholeNumber, type Register } from "../command.js";
import type { RunOptions } from "../actions/run.js";

const HELP = `
Options of hakmem come before the program; all that follows it is the program's, as in: hakmem run --stats ls -l
Settings of the library are environment variables: see docs/native.md.

A heap profile is a sample of what the program has in use at its end, and of all that it has asked for, by stack. The ending of its name says
for whom: .pb.gz or .pprof, .heapprofile (the Memory panel of Chrome's developer tools), .folded (flame graphs). Programs that it starts have files
of their own, with their process's number before the ending. --leaks takes every block into the sample, unless --sample-bytes says otherwise.

Exit code: the program's; 128 + n when signal n ended it; 126 when the library could not be built or the peer is not
installed; 127 when the program cannot be started; 2 wrong arguments.`;

/**
 * `--stats=json` as an option of its own: one whose value may be left out would take the program's name for it. What follows the
 * program's name is left alone.
 */
export function withStatsFormat(args: readonly string[]): string[] {
  const at = args[0] === "run" ? args.findIndex((word) => word.startsWith("--stats=")) : -1;
  const before = args.slice(1, Math.max(1, at));
  const isOwn = before.every((word, index) => word.startsWith("-") || TAKES_VALUE.has(before[index - 1] ?? ""));
  if (at < 0 || before.includes("--") || !isOwn) return [...args];
  return [...args.slice(0, at), "--stats-as", (args[at] ?? "").slice("--stats=".length), ...args.slice(at + 1)];
}

const TAKES_VALUE = new Set(["--profile", "--heap-profile", "--sample-bytes", "--top", "--peer"]);

export const registerRun: Register = (program) => {
  program
    .command("run")
    .description("start a program with hakmem as its malloc")
    .argument("<program>", "a path, or a name that is looked up as a shell does")
    .argument("[arguments...]", "its arguments")
    .passThroughOptions()
    .option("--profile <name>", "profile to use, by name or file (default: default)")
    .option(
      "--stats",
      "print a summary at the program's exit, to its standard error; --stats=json or --stats=prometheus: all figures",
      false,
    )
    .addOption(new Option("--stats-as <format>").choices(["json", "prometheus"]).hideHelp())
    .option("--heap-profile <file>", "write a heap profile when the program has ended")
    .option(
      "--sample-bytes <bytes>",
      "mean distance of the profile's samples, for instance 64k (default: 512k)",
      byteCount(2 ** 30),
    )
    .option("--leaks", "say what was in use at the end, and who asked for it, to standard error", false)
    .option("--top <places>", "how many places --leaks shows (default: 10)", wholeNumber(1, 1000))
    .addOption(
      new Option("--peer <name>", "use another allocator instead").choices(NATIVE_PEERS.map(({ name }) => name)),
    )
    .addHelpText("after", HELP)
    .action(async (name: string, args: string[], options: RunOptions) => {
      await (await import("../actions/run.js")).run(name, args, options);
    });
};
