/** The programs that a soak runs: the checker linked with a module of the allocator, and natively the checker in C. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { compileAssembly } from "../../build/assemblyscript.js";
import { moduleFile } from "../../build/all.js";
import { runTool } from "../../base/compilers.js";
import { hostArchitecture, requireCompiler } from "../../build/native-compiler.js";
import { generateModuleSource } from "../../build/native-module.js";
import { buildNative } from "../../build/native.js";
import { traitsOf, type Target } from "../../profile/target.js";
import { cachedFile } from "../../base/cache.js";
import { fingerprint, fingerprintOfPipeline, fingerprintOfSources } from "../../base/fingerprint.js";
import { linkModules } from "../../lab/modules.js";
import { ROOT, shippedModules } from "../../base/paths.js";
import type { Profile } from "../../profile/index.js";
import type { SoakTarget } from "./protocol.js";
import { withScratch } from "../../base/scratch.js";

const ENTRY = path.join("bench", "workloads", "soak", "program.ts");
const HOST = path.join(ROOT, "bench", "native", "soak.c");
const FLAGS = ["-std=gnu11", "-O3", "-fno-strict-aliasing", "-fno-builtin", "-pthread", "-Wall", "-Wextra", "-Werror"];
/** Generated code declares what it may not need. */
const GENERATED = ["-Wno-unused-function", "-Wno-unused-variable", "-Wno-unused-but-set-variable"];

/** A program, and a name for everything that it was made from. */
export interface SoakProgram {
  readonly file: string;
  /** Natively, the library to load. */
  readonly library?: string;
  readonly fingerprint: string;
}

/** The program for a target and a profile, made when it is not in the cache. */
export async function soakProgram(target: SoakTarget, profile: Profile): Promise<SoakProgram> {
  if (isNative(target)) {
    const { shared } = await buildNative({ profile });
    const file = await nativeProgram();
    return { file, library: shared, fingerprint: fingerprint(await readFile(file), await readFile(shared)) };
  }
  return linkedProgram(target as Target, await shippedModule(profile, target as Target));
}

export function isNative(target: SoakTarget): boolean {
  return target.startsWith("native");
}

/** The checker merged with `allocator`, any module that exports the malloc family and what threads need. */
export async function linkedProgram(target: Target, allocator: Uint8Array): Promise<SoakProgram> {
  const key = fingerprint(allocator, target, await fingerprintOfChecker());
  const file = await cachedFile(`soak-${target}-${key}.wasm`, () => link(target, allocator));
  return { file, fingerprint: fingerprint(await readFile(file)) };
}

/** What the checker is compiled from and by. */
async function fingerprintOfChecker(): Promise<string> {
  const file = (...names: readonly string[]): string => path.join(ROOT, ...names);
  return fingerprint(
    await fingerprintOfSources(file("bench", "workloads"), ".ts"),
    await readFile(file("assembly", "atomic.ts")),
    await fingerprintOfPipeline(),
  );
}

async function link(target: Target, allocator: Uint8Array): Promise<Uint8Array> {
  const { shared, pointerBits, maximumPages } = traitsOf(target);
  const wide = pointerBits === 64;
  const type = `${wide ? "i64 " : ""}0 ${maximumPages}${shared ? " shared" : ""}`;
  const memory = `(module (import "host" "memory" (memory ${type})) (export "memory" (memory 0)))`;
  const checker = await compileAssembly({
    entry: ENTRY,
    root: ROOT,
    target,
    constants: { HK_SHARED: shared ? 1 : 0, HK_NATIVE: 0 },
  });
  return linkModules(memory, allocator, checker, wide ? ["--enable-memory64"] : []);
}

async function shippedModule(profile: Profile, target: Target): Promise<Uint8Array> {
  return readFile(path.join(shippedModules(), moduleFile(profile.name, target)));
}

/** The checker as a program, which takes whatever malloc is loaded with it. */
export async function nativeProgram(): Promise<string> {
  const compiler = await requireCompiler(hostArchitecture());
  const headers = await fingerprintOfSources(path.join(ROOT, "native"), ".h");
  const host = await readFile(HOST);
  const key = fingerprint(await fingerprintOfChecker(), host, headers, JSON.stringify([compiler, FLAGS]));
  return cachedFile(`soak-native-${key}`, async () => {
    return withScratch("soak", async (work) => {
      const { text } = await generateModuleSource(ENTRY, { HK_SHARED: 1, HK_NATIVE: 1 });
      await writeFile(path.join(work, "soak.gen.h"), text);
      const program = path.join(work, "soak");
      const include = ["-I", work, "-I", path.join(ROOT, "native")];
      await runTool(compiler.command, [...FLAGS, ...GENERATED, ...include, HOST, "-o", program, "-ldl"]);
      return await readFile(program);
    });
  });
}
