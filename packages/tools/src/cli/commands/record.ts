/** `hakmem record`: writes down what a program asks for. */

import { wholeNumber, type Register } from "../command.js";
import type { RecordOptions } from "../actions/record.js";

const MOST_EVENTS = 1e9;

const HELP = `
A recording says when which thread asked for how many bytes, and gave them back; nothing of what was in them, and no arguments. hakmem replay
replays it under other allocators. Programs that the program starts have recordings of their own, with their process's number in the name.

While the program runs, FILE.raw.PROCESS grows by some seven bytes an event; what a killed program, or a full disk, leaves there is
recorded up to then.

Exit code: the program's, as for hakmem run; 126 when there is no recording of it.`;

export const registerRecord: Register = (program) => {
  program
    .command("record")
    .description("start a program with hakmem as its malloc, and record what it asks for")
    .argument("<program>", "a path, or a name that is looked up as a shell does")
    .argument("[arguments...]", "its arguments")
    .passThroughOptions()
    .option("-o, --output <file>", "the recording (default: the program's name and .hkt)")
    .option(
      "--events <number>",
      "keep about so many events: of some blocks all, of others none",
      wholeNumber(1, MOST_EVENTS),
    )
    .option("--profile <name>", "profile of hakmem to use, by name or file (default: default)")
    .addHelpText("after", HELP)
    .action(async (name: string, args: string[], options: RecordOptions) => {
      await (await import("../actions/record.js")).record(name, args, options);
    });
};
