/** The allocator's sources as they were in a git revision. */

import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, exists } from "../cache.js";
import { messageOf, RequestError } from "../errors.js";
import { ROOT } from "../../paths.js";

const run = promisify(execFile);

export interface Sources {
  readonly commit: string;
  /** Holds `assembly/`. */
  readonly directory: string;
}

/** Throws {@link RequestError} when there is no such revision, or no `assembly/` in it. */
export async function checkOut(revision: string): Promise<Sources> {
  const commit = await resolve(revision);
  const directory = path.join(cacheDirectory(), "revisions", commit);
  if (!(await exists(directory))) await extract(commit, revision, directory);
  return { commit, directory };
}

async function resolve(revision: string): Promise<string> {
  try {
    const { stdout } = await run("git", ["rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`], {
      cwd: ROOT,
    });
    return stdout.trim();
  } catch {
    throw new RequestError(
      `there is no git revision "${revision}" here; git log --oneline -- assembly lists those that matter`,
    );
  }
}

async function extract(commit: string, revision: string, directory: string): Promise<void> {
  const partial = `${directory}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    const archive = path.join(partial, "assembly.tar");
    await run("git", ["archive", "--output", archive, commit, "assembly"], { cwd: ROOT });
    await run("tar", ["-xf", archive, "-C", partial]);
    await rm(archive);
    await rename(partial, directory);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw new RequestError(`the sources of revision "${revision}" cannot be fetched: ${messageOf(error)}`);
  }
}
