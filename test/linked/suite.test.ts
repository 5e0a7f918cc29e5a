/** The suite of whole programs: it measures them, and does not when they say different things. */

import { describe, expect, test } from "vitest";
import type { Program } from "../../packages/tools/src/lab/programs/program.js";
import { PROGRAMS } from "../../packages/tools/src/lab/programs/programs.js";
import { measureCase } from "../../packages/tools/src/lab/programs/suite.js";
import { TOOLCHAINS } from "../../packages/tools/src/lab/programs/toolchains.js";

function program(name: string): Program {
  const found = PROGRAMS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const ONCE = { rounds: 1, counted: "nothing" } as const;

describe("the suite of whole programs", { timeout: 120_000 }, () => {
  test("measures a program under every allocator of a toolchain", async () => {
    const series = await measureCase(
      { program: program("mix"), toolchain: TOOLCHAINS.wasi },
      { rounds: 2, counted: "nothing" },
    );
    expect(series.map(({ allocator }) => allocator)).toEqual(TOOLCHAINS.wasi.allocators);
    for (const { ms, bytes } of series) {
      expect(ms).toHaveLength(2);
      for (const one of ms) expect(one).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(2 ** 16);
    }
  });

  test.each([
    ["that say different things", "echo", "gcc", /says something else/],
    ["that fail", "false", "gcc", /ended with 1/],
    ["in WebAssembly that do not say how long they took", "true", "wasi", /without saying how long it took/],
  ] as const)("refuses programs %s", async (_, file, toolchain, message) => {
    const wrong: Program = {
      ...program("mix"),
      build: () => Promise.resolve({ link: (allocator) => Promise.resolve({ file, args: [allocator] }), args: [] }),
    };
    await expect(measureCase({ program: wrong, toolchain: TOOLCHAINS[toolchain] }, ONCE)).rejects.toThrow(message);
  });

  test("names what a toolchain has no compiler for", async () => {
    const unbuilt: Program = {
      ...program("mix"),
      build: async (kit) =>
        kit.run("no-such-compiler", []).then(() => ({ link: () => Promise.reject(new Error()), args: [] })),
    };
    await expect(measureCase({ program: unbuilt, toolchain: TOOLCHAINS.gcc }, ONCE)).rejects.toThrow(
      "no-such-compiler is not installed",
    );
  });
});
