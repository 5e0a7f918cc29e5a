/** Running programs under the native library and without it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, onTestFinished } from "vitest";
import { buildNative, type NativeLibrary } from "../../../packages/tools/src/build/native.js";
import { runTool } from "../../../packages/tools/src/base/compilers.js";
import { hostArchitecture, requireCompiler, type Compiler } from "../../../packages/tools/src/build/native-compiler.js";
import { preloading } from "../../../packages/tools/src/run/allocators.js";
import { loadProfile } from "../../../packages/tools/src/profile/index.js";

/** HAKMEM_TEST_FULL=1: loads as issue and docs name them, for minutes instead of seconds. */
export const FULL = process.env["HAKMEM_TEST_FULL"] === "1";

const PROGRAMS = fileURLToPath(new URL("../programs/", import.meta.url));
const NATIVE = fileURLToPath(new URL("../../../native/", import.meta.url));
const DEADLINE_MS = FULL ? 600_000 : 100_000;
/** Profiles that programs are to run under in daily use. */
export const FOR_PROGRAMS = ["default", "hardened"];

export interface RunOptions {
  /** Library to load into the program; none by default. */
  readonly preload?: NativeLibrary | undefined;
  /** Shared object to load before it; see {@link compileShared}. */
  readonly shim?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly input?: string;
}

export interface Outcome {
  /** Exit code, or the name of the signal that ended the program. */
  readonly status: number | NodeJS.Signals;
  readonly output: string;
  readonly errors: string;
}

/** The library of a profile, built if it is not up to date. */
export async function library(profile = "default"): Promise<NativeLibrary> {
  return buildNative({ profile: await loadProfile(profile) });
}

/** Runs a program to its end. It may end without reading all of its input. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { preload, shim, environment = {}, directory, input } = options;
  const result = await execa(command, [...args], {
    env: { ...preloading(shim, preloading(preload?.shared, withoutOurs())), ...environment },
    extendEnv: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    ...(directory === undefined ? {} : { cwd: directory }),
    stripFinalNewline: false,
    timeout: DEADLINE_MS,
    killSignal: "SIGKILL",
    reject: false,
  });
  const status = result.signal ?? result.exitCode;
  if (status === undefined) throw new Error(result.shortMessage);
  return { status, output: result.stdout, errors: result.stderr };
}

/** Runs a program without the library and under it, and expects the same exit code and output; returns the output. */
export async function expectSame(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const expected = await run(command, args, options);
  expect(expected, `${command} without the library`).toMatchObject({ status: 0 });
  for (const profile of FOR_PROGRAMS) {
    const found = await run(command, args, { ...options, preload: await library(profile) });
    expect({ status: found.status, output: found.output }, `${profile}: ${found.errors}`).toEqual({
      status: 0,
      output: expected.output,
    });
  }
  return expected.output;
}

/** Compiles a program of `programs/`, for this machine unless another compiler is given; returns its path. */
export async function compile(file: string, flags: readonly string[] = [], compiler?: Compiler): Promise<string> {
  const { command } = compiler ?? (await requireCompiler(hostArchitecture()));
  const cxx = file.endsWith(".cpp") ? command.replace(/gcc$/, "g++") : command;
  const program = path.join(scratch(), path.basename(file, path.extname(file)));
  await runTool(cxx, [
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pthread",
    "-I",
    NATIVE,
    path.join(PROGRAMS, file),
    ...flags,
    "-o",
    program,
  ]);
  return program;
}

/** As {@link compile}, of a shared object. */
export function compileShared(file: string, flags: readonly string[] = []): Promise<string> {
  return compile(file, ["-shared", "-fPIC", ...flags]);
}

/** A directory that is removed when the test ends. */
export function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Whether a program is installed; scripts/setup installs all that the tests use. */
export function installed(...commands: readonly string[]): boolean {
  return commands.every((command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0);
}

/** The environment without settings that would change what is tested. */
function withoutOurs(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("HAKMEM_") && name !== "LD_PRELOAD"),
  );
}
