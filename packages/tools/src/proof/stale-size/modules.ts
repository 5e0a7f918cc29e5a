/** The ways to put a program and the allocator together: in one module, as linkers do, and as two instances. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import binaryen from "binaryen";
import { compileAssemblyModule } from "../../build/assemblyscript.js";
import { optimizeModule } from "../../build/optimize.js";
import { traitsOf, type Target } from "../../profile/target.js";
import { allocatorEntry, buildWasm } from "../../build/wasm.js";
import { cachedFile } from "../../base/cache.js";
import { fingerprint, fingerprintOfAllocator, fingerprintOfSources } from "../../base/fingerprint.js";
import { COMPILED, ROOT } from "../../base/paths.js";
import { constantsOf, type Profile } from "../../profile/index.js";

const SOURCES = path.join("test", "allocator", "assembly", "stale-size");

/** How program and allocator are put together. */
export const LINKINGS = {
  linked: "one module, the fast paths inlined into the program",
  merged: "one module, where the engine decides what is inlined",
  imported: "two instances",
} as const;
export type Linking = keyof typeof LINKINGS;

/** Files to instantiate, and what they are. */
export interface ProgramFiles {
  /** Such as `default wasm32-shared, linked`. */
  readonly name: string;
  readonly allocator: string;
  /** Absent when `allocator` is both. */
  readonly program?: string;
  readonly wide: boolean;
  readonly guard: boolean;
}

/**
 * The program with the allocator; what is made is kept in the cache.
 * @param sourceRoot directory that holds the `assembly/` to build, for instance a checkout of another revision
 */
export async function programFiles(
  profile: Profile,
  target: Target,
  linking: Linking,
  sourceRoot = ROOT,
): Promise<ProgramFiles> {
  const name = `${profile.name} ${target}, ${linking}`;
  const { guard } = profile;
  const sources = await Promise.all([
    fingerprintOfAllocator(sourceRoot),
    fingerprintOfSources(path.join(ROOT, SOURCES), ".ts"),
    readFile(path.join(COMPILED, "proof", "stale-size", "modules.js")),
  ]);
  const key = fingerprint(...sources, JSON.stringify(profile));
  const cached = (kind: string, make: () => Promise<Uint8Array>): Promise<string> =>
    cachedFile(`stale-size-${profile.name}-${target}-${kind}-${key}.wasm`, make);
  const common = { name, guard, wide: traitsOf(target).pointerBits === 64 };
  const program = (): Promise<Uint8Array> => compile(profile, target, linking, sourceRoot);
  if (linking !== "imported") return { ...common, allocator: await cached(linking, program) };
  const allocator = await cached("allocator", () => buildWasm({ profile, target, sourceRoot }));
  return { ...common, allocator, program: await cached("program", program) };
}

async function compile(profile: Profile, target: Target, linking: Linking, root: string): Promise<Uint8Array> {
  const source = (name: string): Promise<string> => readFile(path.join(ROOT, SOURCES, name), "utf8");
  const entry = path.join(SOURCES, "module.ts");
  // As seen from the program's directory.
  const allocator = path.relative(SOURCES, allocatorEntry(profile)).replace(/\.ts$/, "");
  const linked = linking !== "imported";
  const module = await compileAssemblyModule({
    entry,
    root,
    target,
    constants: constantsOf(profile, target),
    files: {
      [entry]: linked ? `export * from "${allocator}";\nexport * from "./program";` : `export * from "./program";`,
      [path.join(SOURCES, "program.ts")]: await source("program.ts"),
      [path.join(SOURCES, "allocator.ts")]: linked
        ? `export * from "${allocator}";\n${profile.guard ? "" : "export function heap_check(): void {}"}`
        : await source("allocator.ts"),
    },
  });
  try {
    if (linking === "merged") return module.emitBinary();
    const optimised = optimizeModule(module);
    return linking === "linked" ? inlineFastPaths(module) : optimised;
  } finally {
    module.dispose();
  }
}

/** Functions up to this size (binaryen's measure) are inlined: the allocator's fast paths are, and its slow ones are not. */
const FAST_PATH_SIZE = 60;

function inlineFastPaths(module: binaryen.Module): Uint8Array {
  binaryen.setAlwaysInlineMaxSize(FAST_PATH_SIZE);
  binaryen.setFlexibleInlineMaxSize(FAST_PATH_SIZE);
  module.runPasses(["inlining-optimizing"]);
  return module.emitBinary();
}
