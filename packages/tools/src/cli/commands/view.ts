/** `hakmem view`: recordings, heap profiles and running programs, to look at. */

import { byteCount, listFrom, wholeNumber, type Register } from "../command.js";
import type { ViewOptions } from "../actions/view.js";

const DEFAULT_PROFILES: readonly string[] = ["default"];

const HELP = `
FILE is a recording of hakmem record or heap.record(), or a heap profile: what hakmem run --heap-profile has written (.pb.gz, .heapprofile, .folded),
what heap.startProfile() returns as JSON, or what a program left under HAKMEM_HEAP_PROFILE. Several are shown side by side; so is one recording
under several profiles.

A recording is replayed in WebAssembly by one thread: its map shows where hakmem's blocks lie there. With --live a native program
runs under hakmem, and is asked once a second.`;

export const registerView: Register = (program) => {
  program
    .command("view")
    .description("show recordings, heap profiles or a running program in the browser")
    .argument("[files...]", "what to show; with --live the program and its arguments")
    .option("--live", "start a program, and show it while it runs", false)
    .option("--html <file>", "write one page that needs no server")
    .option("--port <number>", "port of this machine (default: any that is free)", wholeNumber(1, 65_535))
    .option(
      "--profile <names>",
      "profiles to replay under, or to run under",
      listFrom(DEFAULT_PROFILES),
      DEFAULT_PROFILES,
    )
    .option("--sample-bytes <bytes>", "with --live: mean distance of samples (default: 512k)", byteCount(2 ** 30))
    .addHelpText("after", HELP)
    .action(async (files: string[], options: ViewOptions) => {
      await (await import("../actions/view.js")).view(files, options);
    });
};
