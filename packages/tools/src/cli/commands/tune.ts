/** `hakmem tune`: finds the profile for a program. */

import { OBJECTIVES } from "../../tune/judge.js";
import { wholeNumber, type Register } from "../command.js";
import type { TuneOptions } from "../actions/tune.js";

const HELP = `
Size classes are fitted to the sizes that the recordings ask for; then page, caches and growth are tried, one after another. Memory is what the heap
takes when a recording is replayed once, exact in WebAssembly; time is that of the calls, without the replay's own, beside the baseline in turn.

Some recordings are held out: what is found must pay on them, by 2 % in memory or, certainly, in time, without a loss in the other. Of a single
recording half of the blocks is held out, which is a weaker test. If nothing pays, that is said, and no profile is written.

hakmem build --profile ./it.json, build-c and build-native make the allocator of the profile.

Exit code: 0 done, whether it pays or not, 1 it could not be measured, 2 wrong arguments, 130 interrupted.`;

export const registerTune: Register = (program) => {
  program
    .command("tune")
    .description("find the profile that fits a program, from recordings of it")
    .argument("<recordings...>", "recordings of hakmem record")
    .option("-o, --output <file>", "the profile (default: the first recording's name and .json)")
    .option("--for <goal>", `what to tune for: ${OBJECTIVES.join(", ")}; one alone may cost the other`, "both")
    .option("-t, --target <name>", "wasm32, native", "wasm32")
    .option("--hold-out <number>", "recordings to hold out (default: a third, one at least)", wholeNumber(1, 1000))
    .option("--profile <name>", "profile to start from and compare with, by name or file", "default")
    .option("-r, --rounds <number>", "interleaved rounds of the comparison at the end", wholeNumber(3, 1000), 50)
    .option("--search-rounds <number>", "rounds of the first timing of a setting", wholeNumber(3, 1000), 10)
    .option("--seed <number>", "decides which recordings are held out", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--json [file]", "write the results as JSON, to standard output or a file")
    .addHelpText("after", HELP)
    .action(async (files: string[], options: TuneOptions) => {
      await (await import("../actions/tune.js")).tune(files, options);
    });
};
