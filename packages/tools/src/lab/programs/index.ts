/** All whole programs, and where they run. */

import { INSTALLED } from "./installed.js";
import { unknownName } from "../../base/errors.js";
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

/** The program that is called `name`. Throws {@link RequestError} when none is. */
export function programOf(name: string): Program {
  const found = WHOLE_PROGRAMS.find((program) => program.name === name);
  if (found !== undefined) return found;
  throw unknownName(
    "program",
    name,
    WHOLE_PROGRAMS.map((program) => program.name),
  );
}
