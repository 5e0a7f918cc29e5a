/** Where output shall go, looked at before the work is done whose result it takes. */

import { constants } from "node:fs";
import { access, mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { ExplainedError, messageOf, RequestError } from "./errors.js";

/** Throws {@link RequestError} unless `file` can be written, once the directories above it have been made. */
export async function checkOutputFile(file: string): Promise<void> {
  if (file === "") throw new RequestError('"" is no file; choose another output');
  if ((await kindOf(file)) === "directory") throw new RequestError(`${file} is a directory; a file is written there`);
  await checkOutputDirectory(path.dirname(path.resolve(file)));
}

/** As {@link checkOutputFile}, for an option whose value may be left out: what follows it may have been meant for something else. */
export async function checkOptionalOutput(option: string, file: string | boolean | undefined): Promise<void> {
  if (typeof file !== "string") return;
  await checkOutputFile(file);
  if (/\.hkt$/.test(file) || (await startOf(file)).startsWith("HK"))
    throw new RequestError(
      `${option} would write over the recording ${file}; say ${option}=FILE, or put ${option} last`,
    );
}

/** Writes what has been measured or built to `file`; the directories above it are made. Rejects with {@link ExplainedError} when it cannot. */
export async function writeOutput(file: string, text: string | Uint8Array): Promise<void> {
  const isNew = (await kindOf(file)) === undefined;
  try {
    await mkdir(path.dirname(path.resolve(file)), { recursive: true });
    await writeFile(file, text);
  } catch (error) {
    if (isNew) await rm(file, { force: true });
    throw new ExplainedError(`${file} cannot be written: ${messageOf(error)}`);
  }
}

/** The first characters of a file; none of one that is not there. */
async function startOf(name: string): Promise<string> {
  const file = await open(name, "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { buffer, bytesRead } = await file.read({ length: 16 });
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
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
