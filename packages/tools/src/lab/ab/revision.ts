/** The allocator's sources as they were in a git revision. */

import { rm } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { cachedDirectory } from "../../base/cache.js";
import { messageOf, RequestError } from "../../base/errors.js";
import { ROOT } from "../../base/paths.js";

export interface Sources {
  readonly commit: string;
  /** Holds `assembly/` and `native/`. */
  readonly directory: string;
}

/** Throws {@link RequestError} when there is no such revision, or no `assembly/` in it. */
export async function checkOut(revision: string): Promise<Sources> {
  const commit = await resolve(revision);
  const directory = await cachedDirectory(path.join("sources", commit), (empty) => extract(commit, revision, empty));
  return { commit, directory };
}

async function resolve(revision: string): Promise<string> {
  try {
    const query = ["rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`];
    return (await execa("git", query, { cwd: ROOT })).stdout;
  } catch {
    throw new RequestError(
      `there is no git revision "${revision}" here; git log --oneline -- assembly lists those that matter`,
    );
  }
}

async function extract(commit: string, revision: string, directory: string): Promise<void> {
  try {
    const archive = path.join(directory, "sources.tar");
    await execa("git", ["archive", "--output", archive, commit, "assembly", "native"], { cwd: ROOT });
    await execa("tar", ["-xf", archive, "-C", directory]);
    await rm(archive);
  } catch (error) {
    throw new RequestError(`the sources of revision "${revision}" cannot be fetched: ${messageOf(error)}`);
  }
}
