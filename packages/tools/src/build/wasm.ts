/**
 * Building the allocator as WebAssembly: profile and target → constants → AssemblyScript → binaryen → bytes.
 *
 * Start with {@link buildWasm}.
 */

import * as path from "node:path";
import binaryen from "binaryen";
import { constantsOf, type Profile } from "../profile/index.js";
import { compileAssemblyModule } from "./assemblyscript.js";
import { optimizeModule } from "./optimize.js";
import { ROOT } from "../base/paths.js";
import { traitsOf, type Target } from "../profile/target.js";

/** The allocator's entry file for a profile, relative to a source root. */
export function allocatorEntry(profile: Profile): string {
  return path.join("assembly", profile.guard ? "guarded.ts" : "index.ts");
}

/** What is for the C around the allocator alone (native/threads.h, native/operators.h). */
const NATIVE_EXPORTS = ["malloc_cached", "purge_look", "purge_pause"];

/** What builds with statistics have alone. */
const STATISTICS_EXPORTS = ["counter", "retirement"];
/** And what tells of pages, which the native library has for who watches it. */
const PAGE_EXPORTS = ["page_bound", "page_stat"];

/** What a module may import, so that any host can instantiate it: its memory, in guard builds the report of a misuse, and with statistics a clock. */
const ALLOWED_IMPORTS: ReadonlySet<string> = new Set(["env.hakmem_fail", "env.hakmem_now"]);

/**
 * What malloc's and free's fast paths fall back on: functions with one caller each, which would be drawn into it. A fast path alone keeps its values
 * in registers, and is short enough to be drawn into a program that the module is merged with (docs/experiments/026).
 */
const SLOW_PATHS = ["mallocSlow", "freeFull"].map((name) => `assembly/malloc/${name}`);

export interface BuildOptions {
  readonly profile: Profile;
  readonly target: Target;
  /** Values that replace the profile's, by constant name, for experiments. */
  readonly overrides?: Readonly<Record<string, number>>;
  /** Directory that holds the `assembly/` to build, for instance a checkout of another revision; this package's by default. */
  readonly sourceRoot?: string;
  /** Keep the functions' names; they are stripped by default. */
  readonly names?: boolean;
  /** Keep what tells of pages, which without it builds with statistics alone have. */
  readonly pages?: boolean;
}

/**
 * Builds the allocator and returns the module, valid and optimised: the same bytes for the same options and sources.
 *
 * Rejects with `ProfileError` when the profile does not fit the target or an override is unknown, and with `AssemblyError` when the
 * source does not compile.
 */
export async function buildWasm(options: BuildOptions): Promise<Uint8Array> {
  const { profile, target, overrides, sourceRoot = ROOT, names = false, pages = false } = options;
  const module = await compileAssemblyModule({
    entry: allocatorEntry(profile),
    root: sourceRoot,
    target,
    constants: constantsOf(profile, target, overrides),
    assertions: profile.guard,
  });
  try {
    if (!traitsOf(target).native) for (const name of NATIVE_EXPORTS) module.removeExport(name);
    removeStatistics(module, profile, pages || traitsOf(target).virtual);
    const bytes = optimizeModule(module, { names, apart: SLOW_PATHS });
    if (!traitsOf(target).native) refuseUnknownImports(module);
    return bytes;
  } finally {
    module.dispose();
  }
}

/** Takes from a module of a build without statistics what is for them. */
export function removeStatistics(module: binaryen.Module, { statistics }: Profile, pages: boolean): void {
  if (statistics) return;
  for (const name of STATISTICS_EXPORTS) module.removeExport(name);
  if (!pages) for (const name of PAGE_EXPORTS) module.removeExport(name);
}

function refuseUnknownImports(module: binaryen.Module): void {
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const { module: from, base } = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    if (!from || ALLOWED_IMPORTS.has(`${from}.${base}`)) continue;
    const allowed = ["env.memory", ...ALLOWED_IMPORTS].join(", ");
    throw new Error(`the allocator imports ${from}.${base}, which no host provides; it may import ${allowed}`);
  }
}

/**
 * What `config_hash()` of a built module returns, unsigned. Read from the code, so that it is known on hosts that cannot run the
 * module.
 */
export function readConfigHash(wasm: Uint8Array): number {
  const module = binaryen.readBinary(wasm);
  try {
    const ref = module.getExport("config_hash");
    const body = ref === 0 ? 0 : binaryen.getFunctionInfo(module.getFunction(binaryen.getExportInfo(ref).value)).body;
    const info = body === 0 ? undefined : binaryen.getExpressionInfo(body);
    if (info?.id !== binaryen.ConstId) {
      throw new Error("the allocator must export config_hash as a function that returns a compile-time constant");
    }
    return Number((info as binaryen.ConstInfo).value) >>> 0;
  } finally {
    module.dispose();
  }
}
