/**
 * Building the native library: libhakmem.so, libhakmem.a and hakmem.h for one architecture and profile.
 *
 * Start with {@link buildNative}. What is up to date is not built again: `build.json` beside the files names everything that went
 * into them.
 */

import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { cachedDirectory, cacheDirectory } from "../base/cache.js";
import { fingerprint, fingerprintOfAllocator, fingerprintOfSources } from "../base/fingerprint.js";
import type { Architecture } from "../profile/architecture.js";
import { constantsOf, type Profile } from "../profile/index.js";
import { runTool } from "../base/compilers.js";
import {
  ADDRESS_BITS,
  archiver,
  COMPILER_FLAGS,
  hostArchitecture,
  LINKER_FLAGS,
  requireCompiler,
  type Compiler,
} from "./native-compiler.js";
import { amalgamate, NATIVE } from "./amalgamation.js";
import { train } from "./native-training.js";
import { ROOT } from "../base/paths.js";
import { withScratch } from "../base/scratch.js";

export interface NativeOptions {
  readonly profile: Profile;
  /** This machine's by default. */
  readonly architecture?: Architecture;
  /** Instrument, run the training workloads, and build by what they did. This machine's architecture only. */
  readonly pgo?: boolean;
  /** Able to sample and to record what the program asks for (native/observe.h), which costs a few instructions a call. */
  readonly observe?: boolean;
  /** Values that replace the profile's, by constant name, for experiments. */
  readonly overrides?: Readonly<Record<string, number>>;
  /** Directory that holds the `assembly/` and `native/` to build; this package's by default. */
  readonly sourceRoot?: string;
  /** Directory that receives the files; by default they are taken from a package for this platform, or kept in the cache. */
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
  readonly version: 2;
  readonly profile: string;
  readonly architecture: Architecture;
  readonly compiler: string;
  readonly pgo: boolean;
  /** Names the sources, and what they were compiled for. */
  readonly sources: string;
  /** Names everything that the files were built from: the sources and the compiler. */
  readonly inputs: string;
}

/** What `build` makes a library of. */
interface Plan extends NativeOptions {
  readonly architecture: Architecture;
  readonly overrides: Readonly<Record<string, number>>;
  readonly pgo: boolean;
  readonly compiler: Compiler;
  readonly sources: string;
  readonly inputs: string;
}

const SHARED = "libhakmem.so";
const ARCHIVE = "libhakmem.a";
const HEADER = "hakmem.h";
const RECORD = "build.json";

/**
 * Builds the library unless it is up to date.
 *
 * Rejects with `NativeCompilerError` when there is no compiler, with `ExplainedError` when it refuses the source, with `ProfileError`
 * when the profile does not fit, and with `AssemblyError` when the allocator does not compile.
 */
export async function buildNative(request: NativeOptions): Promise<NativeLibrary> {
  const { profile, architecture = hostArchitecture(), pgo = false, force = false, out } = request;
  const overrides = { HK_ADDRESS_BITS: ADDRESS_BITS[architecture], ...request.overrides };
  const sources = await fingerprintOfNative({ ...request, overrides });
  const library = (directory: string, built: boolean): NativeLibrary => ({
    shared: path.join(directory, SHARED),
    archive: path.join(directory, ARCHIVE),
    header: path.join(directory, HEADER),
    architecture,
    profile: profile.name,
    pgo,
    built,
  });
  const prebuilt = prebuiltDirectory(architecture, profile.name);
  if (
    out === undefined &&
    !pgo &&
    !force &&
    prebuilt !== undefined &&
    (await readRecord(prebuilt))?.sources === sources
  )
    return library(prebuilt, false);

  const compiler = await requireCompiler(architecture);
  const inputs = fingerprint(sources, JSON.stringify([compiler, pgo]));
  const plan: Plan = { ...request, architecture, overrides, pgo, compiler, sources, inputs };
  if (out !== undefined && !force && (await readRecord(out))?.inputs === inputs) return library(out, false);
  const name = path.join("native", inputs);
  if (force) await rm(path.join(cacheDirectory(), name), { recursive: true, force: true });
  let built = false;
  const directory = await cachedDirectory(name, async (empty) => {
    built = true;
    await build(plan, empty);
  });
  if (out === undefined) return library(directory, built);
  await mkdir(out, { recursive: true });
  // The record comes last: it says that the others are there.
  for (const file of [SHARED, ARCHIVE, HEADER, RECORD]) await replace(path.join(directory, file), path.join(out, file));
  return library(out, true);
}

/** Where the package for a platform, if it is installed, has the library of a profile. */
function prebuiltDirectory(architecture: Architecture, profile: string): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@hakmem/linux-${architecture}/package.json`);
    return path.join(path.dirname(manifest), "lib", architecture, profile);
  } catch {
    return undefined;
  }
}

async function build(plan: Plan, out: string): Promise<void> {
  const { profile, architecture, compiler, pgo, observe = false, sources, inputs, onStep = () => {} } = plan;
  await withScratch("native", async (work) => {
    onStep(`compiling the allocator (profile ${profile.name}) to C`);
    const source = path.join(work, "hakmem.c");
    await writeFile(source, await amalgamate([{ ...plan, target: "native" }]));
    const trained = pgo ? await train({ compiler, source, work, onStep }) : [];
    const observing = observe ? OBSERVING : [];

    onStep(`compiling libhakmem for ${architecture}`);
    const object = path.join(work, "hakmem.o");
    await runTool(compiler.command, [
      ...COMPILER_FLAGS,
      "-ffat-lto-objects",
      ...trained,
      ...observing,
      "-c",
      source,
      "-o",
      object,
    ]);
    await runTool(compiler.command, [
      ...COMPILER_FLAGS,
      ...LINKER_FLAGS,
      ...observing,
      // What is weak is the program's to replace, also where a linker that sees through it would take ours.
      "-fno-lto",
      object,
      path.join(plan.sourceRoot ?? ROOT, NATIVE, SHARED_ONLY_SOURCE),
      "-o",
      path.join(out, SHARED),
    ]);
    await runTool(archiver(compiler), ["rcs", path.join(out, ARCHIVE), object]);

    await copyFile(path.join(plan.sourceRoot ?? ROOT, NATIVE, HEADER), path.join(out, HEADER));
    const record: BuildRecord = {
      version: 2,
      profile: profile.name,
      architecture,
      compiler: compiler.version,
      pgo,
      sources,
      inputs,
    };
    await writeFile(path.join(out, RECORD), JSON.stringify(record, null, 2) + "\n");
  });
}

/** The unwinder is the library's own: the program's may be another, and is found only after the first call of malloc. */
const OBSERVING: readonly string[] = ["-DHAKMEM_OBSERVE", "-static-libgcc"];

/** What would be in the way of a program that the archive is linked with. */
const SHARED_ONLY_SOURCE = "deepbind.c";

/** A program that has the old file mapped keeps it: the new one takes only its name. */
async function replace(from: string, to: string): Promise<void> {
  const beside = `${to}.new`;
  await copyFile(from, beside);
  await rename(beside, to);
}

async function fingerprintOfNative({
  profile,
  overrides,
  observe = false,
  sourceRoot = ROOT,
}: NativeOptions): Promise<string> {
  return fingerprint(
    await fingerprintOfAllocator(sourceRoot),
    await fingerprintOfSources(path.join(sourceRoot, NATIVE), ".c", ".h"),
    JSON.stringify([
      profile.name,
      constantsOf(profile, "native", overrides),
      COMPILER_FLAGS,
      LINKER_FLAGS,
      ...(observe ? [OBSERVING] : []),
    ]),
  );
}

async function readRecord(directory: string): Promise<BuildRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path.join(directory, RECORD), "utf8")) as Partial<BuildRecord>;
    return record.version === 2 ? (record as BuildRecord) : undefined;
  } catch {
    return undefined; // absent or damaged: build
  }
}
