/**
 * AssemblyScript as C: constants → AssemblyScript → wasm2c → {@link nativeSource}. Start with {@link generateAllocatorSource}.
 */

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { execa } from "execa";
import binaryen from "binaryen";
import { constantsOf, type Profile } from "../profile/index.js";
import { compileAssemblyModule, type AssemblyOptions } from "./assemblyscript.js";
import {
  exportedFunctions,
  MODULE_NAME,
  nativeSource,
  type Declared,
  type NativeSourceOptions,
} from "./native-source.js";
import { traitsOf, type Target } from "../profile/target.js";
import { allocatorEntry, removeStatistics } from "./wasm.js";
import { ROOT } from "../base/paths.js";
import { withScratch } from "../base/scratch.js";

/** What the allocator is built from; the same as for a WebAssembly build. */
export interface AllocatorSourceOptions {
  readonly profile: Profile;
  /** `native`, or one of those that are linked for WebAssembly. */
  readonly target?: Target;
  readonly overrides?: Readonly<Record<string, number>>;
  readonly sourceRoot?: string;
}

/** The fast paths, which the C functions of the same names should be, without a call; and what those fall back on. Guard builds have none. */
const PATHS = {
  inlined: ["malloc", "free", "assembly/malloc/malloc", "assembly/malloc/free"],
  outlined: ["mallocOrFail", "freeFull", "freeSlow", "move", "reallocBig"].map((name) => `assembly/malloc/${name}`),
};

/** The text of `allocator.gen.h` for native/library.c: the same text for the same options and sources. */
export async function generateAllocatorSource(options: AllocatorSourceOptions): Promise<string> {
  const { profile, target = "native", overrides, sourceRoot = ROOT } = options;
  const { text } = await compileToC(
    {
      prepare: (module) => removeStatistics(module, profile, traitsOf(target).virtual),
      entry: allocatorEntry(profile),
      root: sourceRoot,
      target,
      constants: constantsOf(profile, target, overrides),
      assertions: profile.guard,
    },
    profile.guard ? {} : PATHS,
  );
  return text;
}

/** A module as C. */
export interface ModuleSource {
  readonly text: string;
  readonly exports: readonly Declared[];
}

/** As {@link generateAllocatorSource}, for a module that imports an allocator: a workload or a peer of `bench/`. */
export async function generateModuleSource(
  entry: string,
  constants: Readonly<Record<string, number>> = {},
): Promise<ModuleSource> {
  return compileToC({ entry, root: ROOT, target: "native", constants });
}

interface COptions extends AssemblyOptions {
  readonly prepare?: (module: binaryen.Module) => void;
}

async function compileToC(options: COptions, paths?: NativeSourceOptions): Promise<ModuleSource> {
  const module = await compileAssemblyModule(options);
  options.prepare?.(module);
  try {
    const text = nativeSource(module, await wasmToC(simplify(module)), paths);
    return { text, exports: exportedFunctions(module) };
  } finally {
    module.dispose();
  }
}

/** Optimises without inlining: which functions stay apart is for the C compiler to decide, by what this build tells it. */
function simplify(module: binaryen.Module): Uint8Array {
  const oneCaller = binaryen.getOneCallerInlineMaxSize();
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(0);
  binaryen.setFlexibleInlineMaxSize(0);
  binaryen.setOneCallerInlineMaxSize(0);
  binaryen.setDebugInfo(true);
  try {
    module.optimize();
    if (module.validate() === 0)
      throw new Error("the native module is not valid; binaryen's reasons are on stderr above");
    return module.emitBinary();
  } finally {
    binaryen.setOneCallerInlineMaxSize(oneCaller);
  }
}

/** wabt on npm has wasm2c only as a program that reads and writes files. */
async function wasmToC(bytes: Uint8Array): Promise<string> {
  const wasm2c = path.join(path.dirname(createRequire(import.meta.url).resolve("wabt")), "bin", "wasm2c");
  return withScratch("wasm2c", async (directory) => {
    const input = path.join(directory, "allocator.wasm");
    const output = path.join(directory, "allocator.c");
    await writeFile(input, bytes);
    await execa(process.execPath, [
      wasm2c,
      "--enable-memory64",
      "--enable-threads",
      "--module-name",
      MODULE_NAME,
      "--output",
      output,
      input,
    ]);
    return await readFile(output, "utf8");
  });
}
