/** Fails when a file of the allocator imports from a layer that is not below its own. See `layers.js`. */

import { fileURLToPath } from "node:url";
import { findViolations, readLayers } from "./layers.js";

const directory = fileURLToPath(new URL("../assembly/", import.meta.url));
const violations = await findViolations(directory, await readLayers(directory));

for (const { file, line, imports, why } of violations) {
  console.error(`assembly/${file}:${line}: ${imports ? `imports "${imports}": ` : ""}${why}`);
}
if (violations.length > 0) {
  console.error(`${violations.length} violation(s) of the order in assembly/layers.json`);
  process.exitCode = 1;
}
