/** Names for what is built, by everything that goes into it. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { COMPILED } from "./paths.js";

/** A name for everything that `parts` determine. */
export function fingerprint(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(String(part.length)).update(":").update(part);
  return hash.digest("hex").slice(0, 32);
}

/** A fingerprint of all files below `directory` whose names end with one of `suffixes`; of all of them without any. */
export async function fingerprintOfSources(directory: string, ...suffixes: readonly string[]): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries
    .filter(({ name }) => suffixes.length === 0 || suffixes.some((suffix) => name.endsWith(suffix)))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(directory, name))));
  return fingerprint(...names, ...texts);
}

const COMPILERS = ["assemblyscript", "binaryen", "wabt"];

/** A fingerprint of what turns the allocator's source into modules and C: the pipeline, and the compilers that it calls. */
export async function fingerprintOfPipeline(): Promise<string> {
  const require = createRequire(import.meta.url);
  const versions = COMPILERS.map((name) => (require(`${name}/package.json`) as { version: string }).version);
  const parts = ["build", "profile"].map((name) => fingerprintOfSources(path.join(COMPILED, name), ".js"));
  return fingerprint(...versions, ...(await Promise.all(parts)));
}

/** A fingerprint of the allocator below `root`, and of what compiles it. */
export async function fingerprintOfAllocator(root: string): Promise<string> {
  return fingerprint(await fingerprintOfSources(path.join(root, "assembly"), ".ts"), await fingerprintOfPipeline());
}
