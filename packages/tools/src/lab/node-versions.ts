/** Other versions of Node: npm's `node` package, which holds the official binary, installed on demand into the cache. */

import * as path from "node:path";
import { execa, ExecaError } from "execa";
import { cachedDirectory } from "../base/cache.js";
import { messageOf, RequestError } from "../base/errors.js";

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
  const directory = await cachedDirectory(`node-${wanted}`, (empty) => install(wanted, empty));
  const execPath = path.join(directory, "node_modules", "node", "bin", "node");
  const { stdout } = await execa(execPath, ["--version"]);
  return { version: stdout.replace(/^v/, ""), execPath };
}

async function install(wanted: string, directory: string): Promise<void> {
  try {
    await execa("npm", ["install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund", `node@${wanted}`]);
  } catch (error) {
    if (error instanceof ExecaError && String(error.stderr).includes("ETARGET")) {
      throw new RequestError(`npm has no Node ${wanted}; see which there are with: npm view node versions`);
    }
    throw new RequestError(`Node ${wanted} cannot be installed: ${messageOf(error)}`);
  }
}
