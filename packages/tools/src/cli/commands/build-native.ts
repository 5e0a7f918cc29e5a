/** `hakmem build-native`: libhakmem.so, libhakmem.a and hakmem.h. */

import { ARCHITECTURES } from "../../profile/architecture.js";
import { listFrom, listOf, type Register } from "../command.js";
import type { BuildNativeOptions } from "../actions/build-native.js";

const PROFILES = ["default"];

export const registerBuildNative: Register = (program) => {
  program
    .command("build-native")
    .description("build the native library: libhakmem.so, libhakmem.a and hakmem.h")
    .option("-p, --profile <names>", "profiles to build, by name or by path", listFrom(PROFILES), PROFILES)
    .option(
      "--arch <names>",
      `of ${ARCHITECTURES.join(", ")} (default: each with a compiler here)`,
      listOf(ARCHITECTURES),
    )
    .option("--pgo", "run the training workloads, and build by what they did (this machine's architecture)", false)
    .option("-o, --out <directory>", "where to write, <directory>/<arch>/<profile>/ (default: a cache)")
    .option("--force", "build also what is up to date", false)
    .addHelpText(
      "after",
      `
Prints the path of each library. What is up to date is not built again.

Exit code: 0 done, 1 the build failed, 2 wrong arguments.`,
    )
    .action(async (options: BuildNativeOptions) => {
      await (await import("../actions/build-native.js")).buildNativeLibraries(options);
    });
};
