/** `hakmem start`, which `npm start` runs: the main job on real input, in half a minute. */

import type { Register } from "../command.js";
import type { StartOptions } from "../actions/start.js";

export const registerStart: Register = (program) => {
  program
    .command("start")
    .description("random mixed, in WebAssembly and from JavaScript, against other allocators")
    .option("--json", "print the results as JSON", false)
    .addHelpText("after", "\nExit code: 0 done, 1 a peer failed, 2 wrong arguments, 130 interrupted.")
    .action(async (options: StartOptions) => (await import("../actions/start.js")).start(options));
};
