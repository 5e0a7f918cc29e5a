/** Removes everything that a build writes. */

import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const BUILT = ["hakmem/build", "hakmem/dist", "tools/dist", "linux-x64/lib", "linux-arm64/lib"];

for (const directory of BUILT) {
  await rm(fileURLToPath(new URL(`../packages/${directory}`, import.meta.url)), { recursive: true, force: true });
}
