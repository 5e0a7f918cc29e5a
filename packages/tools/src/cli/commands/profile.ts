/** `hakmem profile`: what people and viewers get of a heap profile. */

import { list, wholeNumber, type Register } from "../command.js";
import type { ProfileOptions } from "../actions/profile.js";

const HELP = `
FILE is the JSON of what heap.startProfile() of the library returns, or what a native program left that was sampled by HAKMEM_HEAP_PROFILE.
The ending of the output's name says who shall read it: .pb.gz or .pprof (pprof), .heapprofile (Chrome's developer tools), .folded (flame graphs).
Without an output, what is in use is reported by stack, the most bytes first.`;

export const registerProfile: Register = (program) => {
  program
    .command("profile")
    .description("turn a heap profile into a file for viewers, or a report of what is in use")
    .argument("<file>", "a profile")
    .option("-o, --output <file>", "file for viewers")
    .option("--top <number>", "places in the report (default: 10)", wholeNumber(1, 1e6))
    .option("--source-maps <directories>", "where source maps are, beside those that scripts name themselves", list)
    .addHelpText("after", HELP)
    .action(async (file: string, options: ProfileOptions) => {
      await (await import("../actions/profile.js")).profile(file, options);
    });
};
