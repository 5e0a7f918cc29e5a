/**
 * The library as the proofs compile it: by clang, which has sanitizers and a fuzzer, into one object whose public functions are
 * called hk_…, so that they stand beside the sanitizer's own malloc. Start with {@link compileLibrary}.
 */

import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { ADDRESS_BITS, hostArchitecture, runTool } from "../build/native-compiler.js";
import { generateAllocatorSource } from "../build/native-module.js";
import { PACKAGE_ROOT } from "../build/wasm.js";
import { RequestError } from "../lab/errors.js";
import { loadProfile, loadShippedProfiles, type Profile, ProfileError } from "../profile/index.js";

const CLANG = "clang-19";
export const NATIVE = path.join(PACKAGE_ROOT, "native");
export const TEST_PROGRAMS = path.join(PACKAGE_ROOT, "test", "native", "programs");

/**
 * As the library is built, but for what GCC alone understands. No -fno-strict-aliasing: what the generated C does to memory must
 * be right by C's own rules.
 */
const LIBRARY_FLAGS: readonly string[] = [
  "-std=gnu11",
  "-O2",
  "-g",
  "-fPIC",
  "-fno-omit-frame-pointer",
  "-fno-builtin-malloc",
  "-fno-builtin-calloc",
  "-fno-builtin-realloc",
  "-fno-builtin-free",
  "-pthread",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wno-unused-function",
  "-Wno-unused-variable",
  "-Wno-unused-but-set-variable",
  "-Wno-unused-parameter",
];

/** The constructor and the destructor of library.c become functions that nobody calls. */
export const WITHOUT_START: readonly string[] = ["-Dconstructor(priority)=used", "-Ddestructor(priority)=used"];

/** The C of a profile's allocator, in a directory of its own. */
export interface Source {
  readonly profile: Profile;
  readonly directory: string;
}

/** A compiled library. */
export interface RenamedLibrary {
  readonly object: string;
  /** File of old and new names, for a program that calls malloc and means this one. */
  readonly renames: string;
}

/** Writes the allocator's C into `directory`. */
export async function generateSource(profile: Profile, directory: string): Promise<Source> {
  const overrides = { HK_ADDRESS_BITS: ADDRESS_BITS[hostArchitecture()] };
  await writeFile(path.join(directory, "allocator.gen.h"), await generateAllocatorSource({ profile, overrides }));
  return { profile, directory };
}

export interface LibraryOptions {
  readonly source: Source;
  /** Path of the object, without its ending. */
  readonly out: string;
  readonly flags: readonly string[];
  /** More names to change, also of functions that the library calls. */
  readonly renames?: Readonly<Record<string, string>>;
  /** Names, after renaming, of static functions to be called from elsewhere. */
  readonly opened?: readonly string[];
}

export async function compileLibrary(options: LibraryOptions): Promise<RenamedLibrary> {
  const { source, out, flags, renames = {}, opened = [] } = options;
  const object = `${out}.library.o`;
  await clang([
    ...LIBRARY_FLAGS,
    ...["-I", source.directory, "-I", NATIVE, ...profileDefines(source.profile)],
    ...flags,
    ...["-c", path.join(NATIVE, "library.c"), "-o", object],
  ]);
  const list = `${out}.renames`;
  const own = (await publicNames(object)).map((name) => [name, `hk_${name}`] as const);
  await writeFile(list, [...own, ...Object.entries(renames)].map(([from, to]) => `${from} ${to}\n`).join(""));
  await rename(
    object,
    list,
    opened.map((name) => `--globalize-symbol=${name}`),
  );
  return { object, renames: list };
}

export function profileDefines(profile: Profile): string[] {
  return [`-DHAKMEM_PROFILE="${profile.name}"`, ...(profile.guard ? ["-DHAKMEM_GUARD"] : [])];
}

/** Compiles a C file that calls malloc so that it calls the library's, and links both. */
export async function linkProgram(
  file: string,
  library: RenamedLibrary,
  out: string,
  flags: readonly string[],
): Promise<void> {
  const object = `${out}.program.o`;
  await clang([
    ...["-std=gnu11", "-O1", "-g", "-fno-builtin", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-pthread"],
    ...["-I", NATIVE, ...flags],
    ...["-c", file, "-o", object],
  ]);
  await rename(object, library.renames);
  await clang([...flags, "-pthread", object, library.object, "-o", out]);
}

export async function clang(args: readonly string[]): Promise<void> {
  try {
    await runTool(CLANG, args);
  } catch (error) {
    if (!(error as Error).message.includes("ENOENT")) throw error;
    throw new RequestError(`there is no ${CLANG}; on Debian: apt-get install clang-19 libclang-rt-19-dev`);
  }
}

async function rename(object: string, list: string, more: readonly string[] = []): Promise<void> {
  await runTool("objcopy", [`--redefine-syms=${list}`, ...more, object]);
}

/** Names of an object's public functions, but for those that are the library's alone. */
async function publicNames(object: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("nm", ["--extern-only", "--defined-only", "--format=posix", object]);
  return stdout
    .split("\n")
    .map((line) => line.split(" ", 1)[0] ?? "")
    .filter((name) => name !== "" && !name.startsWith("hakmem_"));
}

export interface Ending {
  /** Exit code, or the name of the signal that ended the program. */
  readonly status: number | NodeJS.Signals;
  /** What it wrote to standard error. */
  readonly errors: string;
}

/** Runs a program to its end, or for so many seconds. */
export function execute(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  seconds: number,
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: seconds * 1000,
      killSignal: "SIGKILL",
    });
    const errors: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ status: signal ?? code ?? 0, errors: Buffer.concat(errors).toString() });
    });
  });
}

/** The profiles that a proof is about: those that are named, or all that are shipped; none that gives up promises. */
export async function profilesFor(names: readonly string[]): Promise<Profile[]> {
  try {
    const profiles = names.length === 0 ? await loadShippedProfiles() : await Promise.all(names.map(loadProfile));
    const unsafe = names.length > 0 ? profiles.find((profile) => profile.unsafe) : undefined;
    if (unsafe !== undefined) {
      throw new RequestError(`profile "${unsafe.name}" is unsafe: it promises nothing that could be shown`);
    }
    return profiles.filter((profile) => !profile.unsafe);
  } catch (error) {
    if (error instanceof ProfileError) throw new RequestError(error.message);
    throw error;
  }
}
