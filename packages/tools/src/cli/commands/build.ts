/** `hakmem build`: see `src/build/command.ts`, which also parses its arguments. */

import { Command } from "commander";
import type { Register } from "../command.js";

export const registerBuild: Register = (program) => {
  program.addCommand(
    new Command("build")
      .description("build the allocator as WebAssembly")
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .argument("[arguments...]", "see hakmem build --help")
      .action(async (args: string[]) => {
        const { runBuild } = await import("../../build/command.js");
        process.exitCode = await runBuild(args);
      }),
  );
};
