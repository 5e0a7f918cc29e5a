/** Removes what a build writes into the packages that are named: `node scripts/clean.js hakmem tools`. */

import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

for (const name of process.argv.slice(2)) {
  for (const directory of ["build", "dist", "lib"]) {
    const built = new URL(`../packages/${name}/${directory}`, import.meta.url);
    await rm(fileURLToPath(built), { recursive: true, force: true });
  }
}
