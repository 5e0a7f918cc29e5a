/** Other versions of Node: npm's `node` package, which holds the official binary, installed on demand into the cache. */

import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, exists } from "./cache.js";
import { messageOf, RequestError } from "./errors.js";

const run = promisify(execFile);

export interface NodeVersion {
  /** As in `20.20.2`. */
  readonly version: string;
  readonly execPath: string;
}

export const THIS_NODE: NodeVersion = { version: process.versions.node, execPath: process.execPath };

const FORM = /^\d+(\.\d+(\.\d+)?)?$/;

/**
 * The Node that `wanted` (`24`, `22.11`, `20.20.2`) names: this process's own when it fits, or the newest such version, installed
 * when it is not in the cache. Throws {@link RequestError} when it is no version, or none that npm has.
 */
export async function nodeVersion(wanted: string): Promise<NodeVersion> {
  if (!FORM.test(wanted)) {
    throw new RequestError(
      `"${wanted}" is not a version of Node; valid are a major version (24), or more of it (24.9.0)`,
    );
  }
  if (`${THIS_NODE.version}.`.startsWith(`${wanted}.`)) return THIS_NODE;
  const directory = path.join(cacheDirectory(), `node-${wanted}`);
  const execPath = path.join(directory, "node_modules", "node", "bin", "node");
  if (!(await exists(execPath))) await install(wanted, directory);
  const { stdout } = await run(execPath, ["--version"]);
  return { version: stdout.trim().replace(/^v/, ""), execPath };
}

async function install(wanted: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  try {
    await run("npm", ["install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund", `node@${wanted}`]);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    if (stderr?.includes("ETARGET") === true) {
      throw new RequestError(`npm has no Node ${wanted}; see which there are with: npm view node versions`);
    }
    throw new RequestError(`Node ${wanted} cannot be installed: ${messageOf(error)}`);
  }
}
