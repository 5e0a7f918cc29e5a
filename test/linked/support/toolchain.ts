/** Programs that are linked with hakmem.c, by the toolchains that Debian has. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { amalgamate, publishedBodies } from "../../../packages/tools/src/build/amalgamation.js";
import { compilerEnvironment } from "../../../packages/tools/src/base/compilers.js";
import { FULL } from "../../native/support/program.js";
import { loadProfile } from "../../../packages/tools/src/profile/index.js";

export const PROGRAMS = fileURLToPath(new URL("../programs/", import.meta.url));
const HEADER = fileURLToPath(new URL("../../../native/hakmem.h", import.meta.url));
/** The macros that choose a profile; the first one is chosen by none. */
export const PROFILES = [
  ["default", []],
  ["compact", ["-DHAKMEM_PROFILE_COMPACT"]],
  ["hardened", ["-DHAKMEM_PROFILE_HARDENED"]],
  ["guard", ["-DHAKMEM_GUARD"]],
] as const;

/** All of them with HAKMEM_TEST_FULL=1; otherwise the first one, and the one that is another entry into the allocator. */
export const SOME_PROFILES = FULL ? PROFILES : PROFILES.filter(([name]) => name === "default" || name === "guard");

/** A compiler said this, or a program that it made. */
export interface Ending {
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** A directory with hakmem.c and hakmem.h for the tests of a file. */
export class Workshop {
  directory = "";

  constructor() {
    beforeAll(async () => {
      this.directory = await mkdtemp(path.join(tmpdir(), "hakmem-linked-"));
      const profiles = await Promise.all(PROFILES.map(([name]) => loadProfile(name)));
      await writeFile(path.join(this.directory, "hakmem.c"), await amalgamate(publishedBodies(profiles)));
      await writeFile(path.join(this.directory, "hakmem.h"), await readFile(HEADER));
    }, 120_000);
    afterAll(async () => rm(this.directory, { recursive: true, force: true }));
  }

  async run(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    timeout = 120_000,
  ): Promise<Ending> {
    const own = { ...compilerEnvironment(), ...env };
    const options = { cwd: this.directory, env: own, reject: false, all: true, timeout } as const;
    const { exitCode, all } = await execa(command, [...args], options);
    return { exitCode, output: all };
  }

  /** Compiles a program of programs/ with hakmem.c, or without; warnings are errors. */
  async compile(compiler: string, program: string, args: readonly string[], source = "hakmem.c"): Promise<Ending> {
    const sources = [path.join(PROGRAMS, program), ...(source === "" ? [] : [source])];
    return this.run(compiler, ["-Wall", "-Wextra", "-Werror", "-I", ".", ...args, ...sources]);
  }

  /** Compiles by Emscripten and runs the program in this Node, with `flags` of its engine, for `timeout` milliseconds at most. */
  async emscripten(
    program: string,
    args: readonly string[],
    source = "hakmem.c",
    flags: readonly string[] = [],
    timeout = 120_000,
  ): Promise<Ending> {
    const name = `program-${Math.random().toString(36).slice(2)}`;
    await mkdir(path.join(this.directory, name));
    const output = path.join(name, "program.js");
    const compiled = await this.compile("emcc", program, [...args, "-o", output], source);
    if (compiled.exitCode !== 0) return compiled;
    // This Emscripten takes a global `fetch` for a browser's.
    return this.run(process.execPath, ["--no-experimental-fetch", ...flags, output], {}, timeout);
  }
}
