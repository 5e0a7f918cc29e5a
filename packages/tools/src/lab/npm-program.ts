/** Programs that npm has as packages, installed on demand into the cache: versions of Node, Bun, Deno. */

import * as path from "node:path";
import { execa, ExecaError } from "execa";
import { cachedDirectory } from "../base/cache.js";
import { messageOf, RequestError } from "../base/errors.js";

export interface NpmProgram {
  /** What messages call it. */
  readonly title: string;
  readonly name: string;
  readonly version: string;
  /** Path of the program below `node_modules`. */
  readonly file: string;
}

/**
 * Path of a program. Throws {@link RequestError} when it is neither in the cache nor to be had.
 */
export async function npmProgram({ title, name, version, file }: NpmProgram): Promise<string> {
  const directory = await cachedDirectory(`${name}-${version}`, async (empty) => {
    try {
      const quiet = ["--no-save", "--no-audit", "--no-fund"];
      await execa("npm", ["install", "--prefix", empty, ...quiet, `${name}@${version}`]);
      // Some packages are a stub until a script of theirs has put the program of this platform in its place.
      await execa(path.join(empty, "node_modules", file), ["--version"]);
    } catch (error) {
      if (error instanceof ExecaError && String(error.stderr).includes("ETARGET")) {
        throw new RequestError(`npm has no ${title} ${version}; see which there are with: npm view ${name} versions`);
      }
      throw new RequestError(`${title} ${version} cannot be installed: ${messageOf(error)}`);
    }
  });
  return path.join(directory, "node_modules", file);
}

/** Bun, whose engine is JavaScriptCore. */
export const BUN = { title: "Bun", name: "bun", version: "1.4.5", file: "bun/bin/bun.exe" } as const;

/** Deno, with a V8 of its own. */
export const DENO = { title: "Deno", name: "deno", version: "2.9.6", file: ".bin/deno" } as const;
