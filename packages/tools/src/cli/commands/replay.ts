/** `hakmem replay`: replays a recording under every allocator. */

import { list, wholeNumber, type Register } from "../command.js";
import type { ReplayOptions } from "../actions/replay.js";

export const registerReplay: Register = (program) => {
  program
    .command("replay")
    .description("replay a recording under every allocator, natively and in WebAssembly")
    .argument("<file>", "a recording of hakmem record")
    .option("-t, --target <names>", "native, wasm32 (default: both)", list)
    .option("-p, --peer <names>", "allocators (default: all that are installed)", list)
    .option("-r, --rounds <number>", "interleaved rounds (default: 5)", wholeNumber(1, 1000))
    .option("--events <number>", "replay about so many events: of some blocks all, of others none", wholeNumber(1, 1e8))
    .option("--json [file]", "write the results as JSON, to standard output or a file")
    .option("--info", "say what the recording is, and replay nothing", false)
    .addHelpText(
      "after",
      `
All threads' calls are replayed by one, in the order of time. Time is that of all calls, less the same driver over an allocator that does nothing.
Fragmentation is the heap at its largest over the bytes that were in use at once, as asked for.`,
    )
    .action(async (file: string, options: ReplayOptions) => {
      await (await import("../actions/replay.js")).replay(file, options);
    });
};
