/** `hakmem build-assemblyscript`: a runtime for AssemblyScript's own programs. */

import { listFrom, type Register } from "../command.js";
import type { BuildAssemblyScriptOptions } from "../actions/build-assemblyscript.js";

const PROFILES = ["default", "compact", "hardened", "guard"];

export const registerBuildAssemblyScript: Register = (program) => {
  program
    .command("build-assemblyscript")
    .description("write a runtime for programs in AssemblyScript: its collectors, with this allocator below them")
    .option("-p, --profile <names>", "profiles, by name or by path", listFrom(PROFILES), PROFILES)
    .option("-o, --out <directory>", "where to write", "hakmem-assemblyscript")
    .addHelpText(
      "after",
      `
  asc app.ts --runtime ./hakmem-assemblyscript/default/incremental
  asc app.ts --runtime ./hakmem-assemblyscript/compact/minimal --exportRuntime

Prints the path of each runtime. With profiles guard and hardened the program imports env.hakmem_fail(code, block, size, at, value).

Exit code: 0 done, 1 it failed, 2 wrong arguments.`,
    )
    .action(async (options: BuildAssemblyScriptOptions) => {
      await (await import("../actions/build-assemblyscript.js")).buildAssemblyScript(options);
    });
};
