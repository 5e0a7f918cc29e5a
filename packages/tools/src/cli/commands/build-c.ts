/** `hakmem build-c`: hakmem.c and hakmem.h. */

import { listFrom, type Register } from "../command.js";
import type { BuildCOptions } from "../actions/build-c.js";

const PROFILES = ["default", "compact", "hardened", "guard"];

export const registerBuildC: Register = (program) => {
  program
    .command("build-c")
    .description("write hakmem.c and hakmem.h, the allocator as C to compile with a program")
    .option(
      "-p, --profile <names>",
      "profiles in it, by name or by path; the first is the default",
      listFrom(PROFILES),
      PROFILES,
    )
    .option("-o, --out <directory>", "where to write", "hakmem-c")
    .option(
      "--archives",
      "compile it, too: archives for WebAssembly, by clang and Emscripten, of the first profile",
      false,
    )
    .addHelpText(
      "after",
      `
  emcc app.c hakmem.c                            clang --target=wasm32-wasi app.c hakmem.c
  gcc app.c hakmem.c -DHAKMEM_PROFILE_COMPACT    musl-gcc -static app.c hakmem.c

Prints the path of each file. A profile that is not the first is chosen by -DHAKMEM_PROFILE_NAME.

Exit code: 0 done, 1 the build failed, 2 wrong arguments.`,
    )
    .action(async (options: BuildCOptions) => {
      await (await import("../actions/build-c.js")).buildC(options);
    });
};
