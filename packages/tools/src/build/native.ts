/**
 * Building the native library: libhakmem.so, libhakmem.a and hakmem.h for one architecture and profile.
 *
 * Start with {@link buildNative}. What is up to date is not built again: `build.json` beside the files holds a hash of everything
 * that went into them.
 */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { constantsOf, type Profile } from "../profile/index.js";
import {
  ADDRESS_BITS,
  archiver,
  COMPILER_FLAGS,
  findCompiler,
  hostArchitecture,
  LINKER_FLAGS,
  requireCompiler,
  runTool,
  type Architecture,
  type Compiler,
} from "./native-compiler.js";
import { generateAllocatorSource } from "./native-module.js";
import { train } from "./native-training.js";
import { ROOT } from "../paths.js";
import { withScratch } from "./scratch.js";

export interface NativeOptions {
  readonly profile: Profile;
  /** This machine's by default. */
  readonly architecture?: Architecture;
  /** Instrument, run the training workloads, and build by what they did. This machine's architecture only. */
  readonly pgo?: boolean;
  /** Values that replace the profile's, by constant name, for experiments. */
  readonly overrides?: Readonly<Record<string, number>>;
  /** Directory that holds the `assembly/` to build; this package's by default. */
  readonly sourceRoot?: string;
  /** Directory that receives the files; see {@link nativeDirectory}. */
  readonly out?: string;
  /** Build also what is up to date. */
  readonly force?: boolean;
  /** Told what happens, when something that takes seconds begins. */
  readonly onStep?: (step: string) => void;
}

/** A built library. */
export interface NativeLibrary {
  readonly shared: string;
  readonly archive: string;
  readonly header: string;
  readonly architecture: Architecture;
  readonly profile: string;
  readonly pgo: boolean;
  /** False when it was there already, up to date. */
  readonly built: boolean;
}

/** Content of `build.json`. */
interface BuildRecord {
  readonly version: 1;
  readonly profile: string;
  readonly architecture: Architecture;
  readonly compiler: string;
  readonly pgo: boolean;
  /** SHA-256 of everything that the files were built from. */
  readonly inputs: string;
}

const SHARED = "libhakmem.so";
const ARCHIVE = "libhakmem.a";
const HEADER = "hakmem.h";
const RECORD = "build.json";
const NATIVE = path.join(ROOT, "native");

/** Where the library of an architecture and a profile is: `dist/native/<arch>/`, with a folder below for other profiles than `default`. */
export function nativeDirectory(architecture: Architecture, profile: string): string {
  return path.join(ROOT, "dist", "native", architecture, ...(profile === "default" ? [] : [profile]));
}

/**
 * Builds the library unless it is up to date.
 *
 * Rejects with `NativeCompilerError` when there is no compiler or it refuses the source, with `ProfileError` when the profile does
 * not fit, and with `AssemblyError` when the allocator does not compile.
 */
export async function buildNative(request: NativeOptions): Promise<NativeLibrary> {
  const { profile, architecture = hostArchitecture(), pgo = false, force = false, onStep = () => {} } = request;
  const options = { ...request, overrides: { HK_ADDRESS_BITS: ADDRESS_BITS[architecture], ...request.overrides } };
  const out = options.out ?? nativeDirectory(architecture, profile.name);
  const library = {
    shared: path.join(out, SHARED),
    archive: path.join(out, ARCHIVE),
    header: path.join(out, HEADER),
    architecture,
    profile: profile.name,
  };
  const found = await readRecord(out);
  // A library that came with the package is all there can be where there is no compiler.
  if (found !== undefined && !force && (await findCompiler(architecture)) === undefined) {
    return { ...library, pgo: found.pgo, built: false };
  }
  const compiler = await requireCompiler(architecture);
  const inputs = await hashInputs(options, compiler);
  // A library that was built by a profile of its work is as up to date as a plain one.
  if (!force && found?.inputs === inputs && (found.pgo || !pgo)) return { ...library, pgo: found.pgo, built: false };

  return withScratch("native", async (work) => {
    onStep(`compiling the allocator (profile ${profile.name}) to C`);
    await writeFile(path.join(work, "allocator.gen.h"), await generateAllocatorSource(options));
    const flags = [
      ...["-I", work, "-I", NATIVE, `-DHAKMEM_PROFILE="${profile.name}"`],
      ...(profile.guard ? ["-DHAKMEM_GUARD"] : []),
    ];
    const trained = pgo ? await train({ compiler, source: LIBRARY_SOURCE, flags, work, onStep }) : [];

    onStep(`compiling libhakmem for ${architecture}`);
    const object = path.join(work, "hakmem.o");
    await runTool(compiler.command, [
      ...COMPILER_FLAGS,
      "-ffat-lto-objects",
      ...flags,
      ...trained,
      "-c",
      LIBRARY_SOURCE,
      "-o",
      object,
    ]);
    const operators = path.join(work, "operators.o");
    await runTool(compiler.command, [...COMPILER_FLAGS, ...UNBOUND, ...flags, "-c", OPERATORS_SOURCE, "-o", operators]);
    await runTool(compiler.command, [
      ...COMPILER_FLAGS,
      ...LINKER_FLAGS,
      ...trained,
      object,
      operators,
      SHARED_ONLY_SOURCE,
      "-o",
      path.join(work, SHARED),
    ]);
    await runTool(archiver(compiler), ["rcs", path.join(work, ARCHIVE), object, operators]);

    await mkdir(out, { recursive: true });
    await copyFile(path.join(NATIVE, HEADER), path.join(work, HEADER));
    for (const file of [SHARED, ARCHIVE, HEADER]) await replace(path.join(work, file), path.join(out, file));
    const record: BuildRecord = {
      version: 1,
      profile: profile.name,
      architecture,
      compiler: compiler.version,
      pgo,
      inputs,
    };
    await writeFile(path.join(out, RECORD), JSON.stringify(record, null, 2) + "\n");
    return { ...library, pgo, built: true };
  });
}

const LIBRARY_SOURCE = path.join(NATIVE, "library.c");
/** Compiled by itself, so that its calls go to what the process has under a name, which may be the program's. */
const OPERATORS_SOURCE = path.join(NATIVE, "operators.c");
const UNBOUND = ["-fno-lto", "-fsemantic-interposition", "-Wno-unused-parameter"];
/** What would be in the way of a program that the archive is linked with. */
const SHARED_ONLY_SOURCE = path.join(NATIVE, "deepbind.c");

/** A program that has the old file mapped keeps it: the new one takes only its name. */
async function replace(from: string, to: string): Promise<void> {
  const beside = `${to}.new`;
  await copyFile(from, beside);
  await rename(beside, to);
}

async function hashInputs(
  { profile, overrides, sourceRoot = ROOT }: NativeOptions,
  compiler: Compiler,
): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([constantsOf(profile, "native", overrides), compiler, COMPILER_FLAGS, LINKER_FLAGS]));
  const pipeline = path.dirname(new URL(import.meta.url).pathname);
  for (const directory of [path.join(sourceRoot, "assembly"), NATIVE, pipeline]) {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && /\.([tj]s|[ch])$/.test(entry.name));
    for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).sort()) {
      hash.update(`\n${path.relative(directory, file)}\n`).update(await readFile(file));
    }
  }
  return hash.digest("hex");
}

async function readRecord(directory: string): Promise<BuildRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path.join(directory, RECORD), "utf8")) as Partial<BuildRecord>;
    return record.version === 1 ? (record as BuildRecord) : undefined;
  } catch {
    return undefined; // absent or damaged: build
  }
}
