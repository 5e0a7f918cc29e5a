/** Optimising and validating a WebAssembly module with binaryen. */

import binaryen from "binaryen";

/** How hard to optimise. All sizes are binaryen's measure of a function: roughly its number of instructions. */
const SETTINGS = {
  optimizeLevel: 3,
  shrinkLevel: 1,
  /** Functions up to this size are inlined everywhere; the hot paths' helpers are inlined by the compiler already. */
  alwaysInlineMaxSize: 2,
  /** Light functions (no calls, no loops) up to this size are inlined where speed matters. */
  flexibleInlineMaxSize: 30,
  /** A function with one caller is inlined whatever its size (-1), unless it is to stay apart. */
  oneCallerInlineMaxSize: -1,
} as const;

export interface EmitOptions {
  /** Keep the functions' names, for profilers and stack traces; they are stripped by default. */
  readonly names?: boolean;
  /** Functions, by their names before optimisation, that are kept out of their callers. */
  readonly apart?: readonly string[];
}

/**
 * Optimises `module` in place, checks that it is valid and returns its binary: the same bytes for the same module, always.
 *
 * Throws when the module is not valid, which is a defect of the source or of the compiler; binaryen says what is wrong on stderr.
 */
export function optimizeModule(module: binaryen.Module, options: EmitOptions = {}): Uint8Array {
  const { names = false, apart = [] } = options;
  // binaryen's options are global: each call sets all of those that it depends on.
  binaryen.setOptimizeLevel(SETTINGS.optimizeLevel);
  binaryen.setShrinkLevel(SETTINGS.shrinkLevel);
  binaryen.setAlwaysInlineMaxSize(SETTINGS.alwaysInlineMaxSize);
  binaryen.setFlexibleInlineMaxSize(SETTINGS.flexibleInlineMaxSize);
  binaryen.setOneCallerInlineMaxSize(SETTINGS.oneCallerInlineMaxSize);
  binaryen.setAllowInliningFunctionsWithLoops(false);
  // An address plus a constant becomes an instruction's offset. The two differ where the sum would wrap; none of the
  // allocator's does, and the one that must not be an address is behind such an offset on purpose (assembly/bin.ts).
  binaryen.setLowMemoryUnused(true);
  binaryen.setDebugInfo(names);

  for (const name of apart) {
    binaryen.setPassArgument("no-inline", name);
    module.runPasses(["no-inline"]);
  }
  binaryen.clearPassArguments();

  module.optimize();
  module.runPasses(["strip-producers", "strip-target-features", ...(names ? [] : ["strip-debug"])]);
  if (module.validate() === 0) {
    throw new Error("the optimised module is not valid WebAssembly; binaryen's reasons are on stderr above");
  }
  return module.emitBinary();
}
