/** Where the lab keeps what is slow to make: built and linked modules, other versions of Node. Safe to delete at any time. */

import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";

/** `$HAKMEM_CACHE`, or `hakmem` in the user's cache directory. */
export function cacheDirectory(): string {
  return (
    process.env["HAKMEM_CACHE"] ?? path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "hakmem")
  );
}

/** A name for everything that `parts` determine. */
export function fingerprint(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(String(part.length)).update(":").update(part);
  return hash.digest("hex").slice(0, 32);
}

/** A fingerprint of all files below `directory` whose names end with `suffix`. */
export async function fingerprintOfSources(directory: string, suffix: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(directory, name))));
  return fingerprint(...names, ...texts);
}

/** Path of the cached file `name`; `produce` makes its contents when it is not there yet. */
export async function cachedFile(name: string, produce: () => Promise<Uint8Array>): Promise<string> {
  const directory = path.join(cacheDirectory(), "modules");
  const file = path.join(directory, name);
  if (await exists(file)) return file;
  const contents = await produce();
  await mkdir(directory, { recursive: true });
  // Two runs may make the same file at once: each writes its own and the last rename wins, with the same bytes.
  const partial = path.join(directory, `.${randomUUID()}`);
  await writeFile(partial, contents);
  await rename(partial, file);
  return file;
}

export async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
