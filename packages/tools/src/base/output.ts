/** Where output shall go, looked at before the work is done whose result it takes. */

import { constants } from "node:fs";
import { access, mkdir, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { RequestError } from "./errors.js";

/** Throws {@link RequestError} unless `file` can be written, once the directories above it have been made. */
export async function checkOutputFile(file: string): Promise<void> {
  if (file === "") throw new RequestError('"" is no file; choose another output');
  if ((await kindOf(file)) === "directory") throw new RequestError(`${file} is a directory; a file is written there`);
  await checkOutputDirectory(path.dirname(path.resolve(file)));
}

/** Writes what has been measured or built to `file`; the directories above it are made. */
export async function writeOutput(file: string, text: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, text);
}

/** Throws {@link RequestError} unless files can be made in `directory`, once it and those above it have been made. */
export async function checkOutputDirectory(directory: string): Promise<void> {
  if (directory === "") throw new RequestError('"" is no directory; choose another output');
  let nearest = path.resolve(directory);
  while ((await kindOf(nearest)) === undefined) nearest = path.dirname(nearest);
  if ((await kindOf(nearest)) !== "directory")
    throw new RequestError(`${nearest} is no directory; choose another output`);
  try {
    await access(nearest, constants.W_OK | constants.X_OK);
    // A file system of the kernel's own lets nobody make files, whatever its permissions say.
    if (/^\/(proc|sys)(\/|$)/.test(nearest)) throw new Error();
  } catch {
    throw new RequestError(`nothing can be written to ${nearest}; choose another output`);
  }
}

/** Throws {@link RequestError} unless `file` is a file. */
export async function checkInputFile(file: string): Promise<void> {
  const kind = await kindOf(file);
  if (kind !== "file") throw new RequestError(kind === undefined ? `there is no file ${file}` : `${file} is no file`);
}

async function kindOf(name: string): Promise<"file" | "directory" | undefined> {
  try {
    return (await stat(name)).isDirectory() ? "directory" : "file";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new RequestError(`${name} cannot be looked at (${String(code)}); choose another`);
  }
}
