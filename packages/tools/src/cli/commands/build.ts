/** `hakmem build`: the allocator as WebAssembly. */

import { WASM_TARGETS } from "../../profile/target.js";
import { list, listOf, type Register } from "../command.js";
import type { BuildOptions } from "../actions/build.js";

export const registerBuild: Register = (program) => {
  program
    .command("build")
    .description("build the allocator as WebAssembly, every profile for every target")
    .option("-p, --profile <names>", "profiles to build, by name or by path (default: all shipped ones)", list)
    .option("-t, --target <names>", `targets (default: ${WASM_TARGETS.join(", ")})`, listOf(WASM_TARGETS))
    .option("-o, --out <directory>", "where to write", "hakmem-wasm")
    .option("--names", "keep the functions' names, for profilers", false)
    .option("--force", "build also what is up to date", false)
    .option("--json", "print the manifest instead of progress", false)
    .addHelpText(
      "after",
      `
Beside the modules lies manifest.json, which describes them. What is up to date is not built again.

Exit code: 0 done, 1 the build failed, 2 wrong arguments.`,
    )
    .action(async (options: BuildOptions) => (await import("../actions/build.js")).build(options));
};
