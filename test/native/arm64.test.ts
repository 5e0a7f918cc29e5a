/** The arm64 library under emulation: what is particular to the architecture is the compiler's, so a few programs are enough. */

import { describe, expect, it } from "vitest";
import { buildNative } from "../../packages/tools/src/build/native.js";
import { emulator, findCompiler } from "../../packages/tools/src/build/native-compiler.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { compile, installed, run } from "./support/program.js";

const EMULATOR = emulator("arm64");
const COMPILER = await findCompiler("arm64");
const missing = COMPILER === undefined || (EMULATOR[0] !== undefined && !installed(EMULATOR[0]));

describe.skipIf(missing)("the arm64 library", () => {
  for (const file of ["interface.c", "exits.c"]) {
    it(`carries ${file}`, async () => {
      const { shared } = await buildNative({ profile: await loadProfile("default"), architecture: "arm64" });
      const [command = "env", ...args] = EMULATOR.length > 0 ? [...EMULATOR, "-E"] : ["env"];
      const program = await compile(file, [], COMPILER);
      const result = await run(command, [...args, `LD_PRELOAD=${shared}`, program]);
      expect(result).toMatchObject({ status: 0, output: "done\n" });
    });
  }
});
