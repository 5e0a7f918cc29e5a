/**
 * The library as the proofs compile it: by clang, which has sanitizers and a fuzzer, into one object whose public functions are
 * called hk_…, so that they stand beside the sanitizer's own malloc. Start with {@link compileLibrary}.
 */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { runTool } from "../base/compilers.js";
import { hostArchitecture } from "../build/native-compiler.js";
import { bodyText } from "../build/amalgamation.js";
import { ROOT } from "../base/paths.js";
import { RequestError } from "../base/errors.js";
import { loadProfile, loadShippedProfiles, type Profile, ProfileError } from "../profile/index.js";

const CLANG = "clang-19";
const NATIVE = path.join(ROOT, "native");
export const TEST_PROGRAMS = path.join(ROOT, "test", "native", "programs");

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

/** All C of the library of a profile, in a directory of its own. */
export interface Source {
  readonly profile: Profile;
  readonly directory: string;
}

/** What is put in the place of something else in the library's C, wherever that stands. */
export interface Change {
  /** A file of native/, or the generated allocator.gen.h. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A compiled library. */
export interface RenamedLibrary {
  readonly object: string;
  /** File of old and new names, for a program that calls malloc and means this one. */
  readonly renames: string;
}

/** Writes the library's C into `directory`. */
export async function generateSource(
  profile: Profile,
  directory: string,
  changes: readonly Change[] = [],
): Promise<Source> {
  await mkdir(directory, { recursive: true });
  for (const file of await readdir(NATIVE)) await copyFile(path.join(NATIVE, file), path.join(directory, file));
  const text = await bodyText({ profile, target: "native", architecture: hostArchitecture() });
  await writeFile(path.join(directory, "allocator.gen.h"), text);
  for (const { file, from, to } of changes) {
    const text = await readFile(path.join(directory, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} has no "${from}" any more`);
    await writeFile(path.join(directory, file), text.replaceAll(from, to));
  }
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
    ...[...LIBRARY_FLAGS, ...profileDefines(source.profile), ...flags],
    ...["-c", path.join(source.directory, "library.c"), "-o", object],
  ]);
  const list = `${out}.renames`;
  const own = (await publicNames(object)).map((name) => [name, `hk_${name}`] as const);
  await writeFile(list, [...own, ...Object.entries(renames)].map(([from, to]) => `${from} ${to}\n`).join(""));
  await objcopy(object, [`--redefine-syms=${list}`, ...opened.map((name) => `--globalize-symbol=${name}`)]);
  return { object, renames: list };
}

/** The same library, but its constructor and its destructor are left to its program to be called, or not to be. */
export async function withoutStart(library: RenamedLibrary): Promise<RenamedLibrary> {
  const object = `${library.object}.unstarted.o`;
  const names = [".init_array.101", ".fini_array.101"].flatMap((name) => [name, `.rela${name}`]);
  await copyFile(library.object, object);
  await objcopy(
    object,
    names.map((name) => `--remove-section=${name}`),
  );
  return { ...library, object };
}

function profileDefines(profile: Profile): string[] {
  return [`-DHAKMEM_PROFILE="${profile.name}"`, ...(profile.guard ? ["-DHAKMEM_GUARD"] : [])];
}

export interface ProgramOptions {
  readonly file: string;
  readonly library: RenamedLibrary;
  /** Path of the program. */
  readonly out: string;
  readonly flags: readonly string[];
}

/** Compiles a C file that calls malloc so that it calls the library's, and links both. */
export async function linkProgram({ file, library, out, flags }: ProgramOptions): Promise<void> {
  const object = `${out}.program.o`;
  await clang([
    ...["-std=gnu11", "-O1", "-g", "-fno-builtin", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-pthread"],
    ...["-I", NATIVE, ...flags, "-c", file, "-o", object],
  ]);
  await objcopy(object, [`--redefine-syms=${library.renames}`]);
  await clang([...flags, "-pthread", object, library.object, "-o", out]);
}

/** Compiles a C file that knows the library's new names, as a build of `profile`. */
export async function compileBeside(
  profile: Profile,
  file: string,
  object: string,
  flags: readonly string[],
): Promise<void> {
  await clang([
    ...["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-pthread"],
    ...["-I", NATIVE, ...profileDefines(profile), ...flags, "-c", file, "-o", object],
  ]);
}

export async function clang(args: readonly string[]): Promise<void> {
  try {
    await runTool(CLANG, args);
  } catch (error) {
    if (!(error as Error).message.includes("ENOENT")) throw error;
    throw new RequestError(`there is no ${CLANG}; on Debian: apt-get install clang-19 libclang-rt-19-dev`);
  }
}

async function objcopy(object: string, args: readonly string[]): Promise<void> {
  await runTool("objcopy", [...args, object]);
}

/** Names of an object's public functions, but for those that are the library's alone. */
async function publicNames(object: string): Promise<string[]> {
  const { stdout } = await execa("nm", ["--extern-only", "--defined-only", "--format=posix", object]);
  return stdout
    .split("\n")
    .map((line) => line.split(" ", 1)[0] ?? "")
    .filter((name) => name !== "" && !name.startsWith("hakmem_"));
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
