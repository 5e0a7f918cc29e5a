/** All whole programs, and where they run. */

import { INSTALLED } from "./installed.js";
import type { Program } from "./program.js";
import { PROGRAMS } from "./programs.js";

/** Where programs run: on Linux as they are, and in WebAssembly as these toolchains make them. */
export const NATIVE = "native";
export const WASM = ["emscripten", "emscripten-threads", "wasi"] as const;
export const TARGETS: readonly string[] = [NATIVE, ...WASM];

/** The targets of a program. */
export function targetsOfProgram({ toolchains }: Program): string[] {
  return [...(toolchains.includes("gcc") ? [NATIVE] : []), ...WASM.filter((name) => toolchains.includes(name))];
}

export const WHOLE_PROGRAMS: readonly Program[] = [...PROGRAMS, ...INSTALLED].filter(
  (program) => targetsOfProgram(program).length > 0,
);
