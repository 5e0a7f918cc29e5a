/** Other versions of Node: npm's `node` package, which holds the official binary, installed on demand into the cache. */

import { execa } from "execa";
import { RequestError } from "../base/errors.js";
import { npmProgram } from "./npm-program.js";

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
  const execPath = await npmProgram({ title: "Node", name: "node", version: wanted, file: "node/bin/node" });
  const { stdout } = await execa(execPath, ["--version"]);
  return { version: stdout.replace(/^v/, ""), execPath };
}
