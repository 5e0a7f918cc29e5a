/** hakmem.c in programs for Linux. */

import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { FULL } from "../native/support/program.js";
import { PROFILES, PROGRAMS, SOME_PROFILES, Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });

const ONE = FULL ? PROFILES : PROFILES.slice(0, 1);

const WAYS = [
  ["gcc", [], PROFILES],
  ["gcc", ["-static"], SOME_PROFILES],
  ["gcc", ["-flto"], ONE],
  ["clang-14", [], ONE],
  ["clang-19", [], ONE],
  ["musl-gcc", [], ONE],
  ["musl-gcc", ["-static"], SOME_PROFILES],
] as const;

describe.each(WAYS)("a program by %s %j", { timeout: 120_000 }, (compiler, linking, profiles) => {
  test.each(profiles)("finds its blocks intact, with profile %s", async (name, macros) => {
    const options = ["-O2", ...linking, ...macros, "-pthread", "-o", "blocks"];
    expect(await workshop.compile(compiler, "blocks.c", options)).toEqual(ok(""));
    const { exitCode, output } = await workshop.run("./blocks", []);
    expect({ exitCode, profile: /^profile .*$/m.exec(output)?.[0] }).toEqual({
      exitCode: 0,
      profile: `profile ${name}`,
    });
  });
});

// What is spare is what threads cache that are at last there at the same time; a leak of 5 kB a round would be more.
test("starts and joins threads a thousand times, in memory that stays what it was", { timeout: 120_000 }, async () => {
  const options = ["-O2", "-pthread", "-DROUNDS=1000", "-DSPARE=4194304", "-o", "rounds"];
  expect(await workshop.compile("gcc", "rounds.c", options)).toEqual(ok(""));
  expect(await workshop.run("./rounds", [])).toEqual(ok("done"));
});

test("names an address that no process has, with profile guard", { timeout: 120_000 }, async () => {
  const options = ["-O2", "-DHAKMEM_GUARD", "-pthread", "-o", "wild"];
  expect(await workshop.compile("gcc", "wild.c", options)).toEqual(ok(""));
  const { output } = await workshop.run("./wild", []);
  expect(output).toMatch(/free of a pointer that is not from this heap: 0xf{15}0/);
});

test("is malloc and operator new of a program in C++", { timeout: 120_000 }, async () => {
  expect(await workshop.run("gcc", ["-O2", "-c", "hakmem.c", "-o", "hakmem.o"])).toEqual(ok(""));
  const program = path.join(PROGRAMS, "containers.cpp");
  expect(await workshop.run("g++", ["-O2", "-std=c++17", "-I", ".", program, "hakmem.o", "-o", "containers"])).toEqual(
    ok(""),
  );
  expect(await workshop.run("./containers", [])).toEqual(ok("27660"));
});

test.each(["address", "thread"])("refuses to be built with the %s sanitizer, and says why", async (name) => {
  const { exitCode, output } = await workshop.run("gcc", [`-fsanitize=${name}`, "-c", "hakmem.c"]);
  expect(exitCode).toBe(1);
  expect(output).toContain("a sanitizer brings an allocator of its own");
});
