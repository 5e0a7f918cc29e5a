/** Finding and reading profile files: the shipped ones by name, any other by path. */

import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { ROOT } from "../base/paths.js";
import { parseProfile, ProfileError, type Profile } from "./schema.js";

/** Where the shipped profiles are. */
const SHIPPED = path.join(ROOT, "profiles");
const EXTENSION = ".json";

/** Names of the shipped profiles, `default` first, the others in alphabetical order. */
export async function shippedProfileNames(): Promise<string[]> {
  const names = (await readdir(SHIPPED))
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => path.basename(file, EXTENSION))
    .sort();
  return [...names.filter((name) => name === "default"), ...names.filter((name) => name !== "default")];
}

/**
 * Reads the profile that `nameOrPath` stands for: a shipped one by its name (`compact`), or a file by its path
 * (`./mine.json`, `profiles/mine.json`).
 *
 * Throws {@link ProfileError} when there is no such profile or it is not valid.
 */
export async function loadProfile(nameOrPath: string): Promise<Profile> {
  const isPath = nameOrPath.endsWith(EXTENSION) || nameOrPath.includes("/") || nameOrPath.includes(path.sep);
  const file = isPath ? nameOrPath : path.join(SHIPPED, nameOrPath + EXTENSION);
  const profile = parseProfile(parseJson(await read(file, nameOrPath, isPath), nameOrPath), nameOrPath);
  if (!isPath && profile.name !== nameOrPath) {
    throw new ProfileError(nameOrPath, [`name is "${profile.name}"; it must be the file's, "${nameOrPath}"`]);
  }
  return profile;
}

/** Reads all shipped profiles, in the order of {@link shippedProfileNames}. */
export async function loadShippedProfiles(): Promise<Profile[]> {
  return Promise.all((await shippedProfileNames()).map(loadProfile));
}

async function read(file: string, nameOrPath: string, isPath: boolean): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw new ProfileError(nameOrPath, [`cannot be read: ${message}`]);
    const shipped = (await shippedProfileNames()).join(", ");
    throw new ProfileError(nameOrPath, [
      isPath
        ? `there is no such file (looked for ${path.resolve(file)})`
        : `there is no such profile; shipped profiles are ${shipped}, and a file is named by its path (./${nameOrPath}.json)`,
    ]);
  }
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProfileError(source, [`is not JSON: ${(error as Error).message}`]);
  }
}
