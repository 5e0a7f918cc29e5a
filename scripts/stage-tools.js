/**
 * Makes the package `@hakmem/tools` whole before it is packed, and with `--undo` as it was, afterwards:
 *
 *   what it compiles lies above all packages in a checkout, and beside its code in the package
 *   the packages with prebuilt libraries are optional dependencies of the published package; a checkout builds its own, and
 *   cannot have them where they are not published yet, or are for another platform
 */

import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PACKAGE = new URL("../packages/tools/", import.meta.url);
const MANIFEST = new URL("package.json", PACKAGE);
const PLATFORMS = ["linux-arm64", "linux-x64"];

const undo = process.argv.includes("--undo");

for (const directory of ["assembly", "bench", "native", "profiles"]) {
  const copy = fileURLToPath(new URL(directory, PACKAGE));
  await rm(copy, { recursive: true, force: true });
  if (!undo) await cp(fileURLToPath(new URL(`../${directory}`, import.meta.url)), copy, { recursive: true });
}

const manifest = /** @type {{ version: string; optionalDependencies?: Record<string, string> }} */ (
  JSON.parse(await readFile(MANIFEST, "utf8"))
);
delete manifest.optionalDependencies;
if (!undo) {
  manifest.optionalDependencies = Object.fromEntries(PLATFORMS.map((name) => [`@hakmem/${name}`, manifest.version]));
}
await writeFile(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
