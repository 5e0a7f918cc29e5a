/** Every function of the library as the first one that a thread calls, or the process. */

import * as path from "node:path";
import { describe, expect, it } from "vitest";
import type { NativeLibrary } from "../../packages/tools/src/build/native.js";
import { EXPORTS } from "./support/exports.js";
import { compile, library, run } from "./support/program.js";

/** How a program comes to the library. In an archive, constructors of the program come before the library's. */
const LINKS: readonly (readonly [string, (library: NativeLibrary) => string[]])[] = [
  ["the shared library", ({ shared }) => [shared, `-Wl,-rpath,${path.dirname(shared)}`]],
  ["the archive", ({ archive }) => [archive]],
  ["the archive, statically", ({ archive }) => [archive, "-static"]],
];

describe.each(["default", "guard"])("under profile %s", (profile) => {
  describe.each(LINKS)("with %s", (_, flags) => {
    it("a thread may begin with any function, also in a signal handler", async () => {
      const program = await compile("first.c", flags(await library(profile)));
      for (const args of [[], ["handler"]]) {
        const { status, output, errors } = await run(program, args);
        expect(status, errors).toBe(0);
        expect(output).toBe("done\n");
      }
    });

    it("a process may begin with any function, before constructors have run", { timeout: 120_000 }, async () => {
      const program = await compile("first.c", flags(await library(profile)));
      const names = (await run(program, ["names"])).output.trim().split("\n");
      expect([...names].sort()).toEqual([...EXPORTS].sort());
      const failed = [];
      for (const when of ["preinit", "constructor"]) {
        for (const name of names) {
          const { status, output } = await run(program, [when, name]);
          if (status !== 0 || output !== "done\n") failed.push(`${when} ${name}: ${status}`);
        }
      }
      expect(failed).toEqual([]);
    });
  });
});
