/** Bun, whose engine is JavaScriptCore: npm's `bun` package, which brings the binary, installed on demand into the cache. */

import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory, exists } from "./cache.js";
import { messageOf, RequestError } from "./errors.js";

const run = promisify(execFile);

export const BUN_VERSION = "1.4.5";

/** Path of Bun's program. Throws {@link RequestError} when it is neither in the cache nor to be had. */
export async function bunExecutable(): Promise<string> {
  const directory = path.join(cacheDirectory(), `bun-${BUN_VERSION}`);
  const program = path.join(directory, "node_modules", "bun", "bin", "bun.exe");
  if (await exists(program)) return program;
  await mkdir(directory, { recursive: true });
  try {
    const quiet = ["--no-save", "--no-audit", "--no-fund"];
    await run("npm", ["install", "--prefix", directory, ...quiet, `bun@${BUN_VERSION}`]);
    // The package is a stub until its script has put the binary of this platform in the stub's place.
    const { stdout } = await run(program, ["--version"]);
    if (stdout.trim() !== BUN_VERSION) throw new Error(`it says that it is ${stdout.trim()}`);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new RequestError(`Bun ${BUN_VERSION} cannot be installed: ${messageOf(error)}`);
  }
  return program;
}
