/** Where things lie on disk: the tools themselves, and the allocator's sources that they compile. */

import { existsSync } from "node:fs";
import * as path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The directory of this package. */
export const TOOLS = fileURLToPath(new URL("../..", import.meta.url));

/** This package, compiled: where scripts are that run in processes and threads of their own. */
export const COMPILED = path.join(TOOLS, "dist");

const CHECKOUT = path.resolve(TOOLS, "..", "..");

/** The directory that holds `assembly/`, `native/`, `bench/` and `profiles/`: the checkout, or this package as it is published. */
export const ROOT = existsSync(path.join(CHECKOUT, "assembly", "layers.json")) ? CHECKOUT : TOOLS;

/** The modules that the library `hakmem` ships. */
export function shippedModules(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve("hakmem/package.json")), "dist", "wasm");
}
