/**
 * Where the tools keep what is slow to make: built libraries and modules, other versions of Node. A name in it stands for one
 * content, so that nothing there is ever changed; it is safe to delete at any time.
 */

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import envPaths from "env-paths";
import writeFileAtomic from "write-file-atomic";
import { ExplainedError, messageOf } from "./errors.js";
import { exists } from "./exists.js";
import { checkOutputDirectory } from "./output.js";

/** `$HAKMEM_CACHE`, or `hakmem` in the user's cache directory. Throws {@link ExplainedError} for a path that is not absolute. */
export function cacheDirectory(): string {
  const chosen = process.env["HAKMEM_CACHE"];
  if (chosen === undefined || chosen === "") return envPaths("hakmem", { suffix: "" }).cache;
  if (path.isAbsolute(chosen)) return chosen;
  throw new ExplainedError(
    `HAKMEM_CACHE is "${chosen}"; it must be an absolute path, the same wherever a command is run`,
  );
}

/** Throws {@link ExplainedError} when nothing can be kept there. */
async function checkCache(): Promise<void> {
  const directory = cacheDirectory();
  try {
    await checkOutputDirectory(directory);
  } catch (error) {
    throw new ExplainedError(
      `the cache ${directory} cannot be used (${messageOf(error)}); set HAKMEM_CACHE to a directory that can be written`,
    );
  }
}

/** Path of the cached file `name`; `produce` makes its contents when it is not there yet. */
export async function cachedFile(name: string, produce: () => Promise<string | Uint8Array>): Promise<string> {
  const file = path.join(cacheDirectory(), name);
  if (await exists(file)) return file;
  await checkCache();
  const contents = await produce();
  await mkdir(path.dirname(file), { recursive: true });
  // Two runs may make the same file at once: the last one wins, with the same bytes.
  await writeWhole(file, contents);
  return file;
}

/** Path of the cached directory `name`; `fill` puts into an empty one what belongs there when it is not there yet. */
export async function cachedDirectory(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const directory = path.join(cacheDirectory(), name);
  if (await exists(directory)) return directory;
  await checkCache();
  const partial = `${directory}.${randomUUID()}`;
  await mkdir(partial, { recursive: true });
  try {
    await fill(partial);
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another run that made the same was faster.
    if (!(await exists(directory))) throw error;
  }
  return directory;
}

/** Writes a file so that a reader finds the old contents or the new ones, never a part. */
export async function writeWhole(file: string, contents: string | Uint8Array): Promise<void> {
  await writeFileAtomic(file, typeof contents === "string" ? contents : Buffer.from(contents));
}
