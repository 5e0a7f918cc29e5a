/** Bun, whose engine is JavaScriptCore: npm's `bun` package, which brings the binary, installed on demand into the cache. */

import * as path from "node:path";
import { execa } from "execa";
import { cachedDirectory } from "../base/cache.js";
import { messageOf, RequestError } from "../base/errors.js";

export const BUN_VERSION = "1.4.5";

/** Path of Bun's program. Throws {@link RequestError} when it is neither in the cache nor to be had. */
export async function bunExecutable(): Promise<string> {
  return programIn(await cachedDirectory(`bun-${BUN_VERSION}`, install));
}

function programIn(directory: string): string {
  return path.join(directory, "node_modules", "bun", "bin", "bun.exe");
}

async function install(directory: string): Promise<void> {
  try {
    const quiet = ["--no-save", "--no-audit", "--no-fund"];
    await execa("npm", ["install", "--prefix", directory, ...quiet, `bun@${BUN_VERSION}`]);
    // The package is a stub until its script has put the binary of this platform in the stub's place.
    const { stdout } = await execa(programIn(directory), ["--version"]);
    if (stdout !== BUN_VERSION) throw new Error(`it says that it is ${stdout}`);
  } catch (error) {
    throw new RequestError(`Bun ${BUN_VERSION} cannot be installed: ${messageOf(error)}`);
  }
}
