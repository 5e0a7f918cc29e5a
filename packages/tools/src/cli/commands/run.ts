/** `hakmem run`: starts a program under the native library, or under another allocator for comparison. */

import { Option } from "commander";
import { NATIVE_PEERS } from "../../run/allocators.js";
import type { Register } from "../command.js";
import type { RunOptions } from "../actions/run.js";

const HELP = `
Options of hakmem come before the program; all that follows it is the program's, as in: hakmem run --stats ls -l
Settings of the library are environment variables: see docs/native.md.

Exit code: the program's; 128 + n when signal n ended it; 126 when the library could not be built or the peer is not
installed; 127 when the program cannot be started; 2 wrong arguments.`;

export const registerRun: Register = (program) => {
  program
    .command("run")
    .description("start a program with hakmem as its malloc")
    .argument("<program>", "a path, or a name that is looked up as a shell does")
    .argument("[arguments...]", "its arguments")
    .passThroughOptions()
    .option("--profile <name>", "profile to use, by name or file (default: default)")
    .option("--stats", "print a summary at the program's exit, to its standard error", false)
    .addOption(
      new Option("--peer <name>", "use another allocator instead").choices(NATIVE_PEERS.map(({ name }) => name)),
    )
    .addHelpText("after", HELP)
    .action(async (name: string, args: string[], options: RunOptions) => {
      await (await import("../actions/run.js")).run(name, args, options);
    });
};
