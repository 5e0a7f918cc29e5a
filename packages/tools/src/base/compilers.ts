/** The compilers of the system, and where they find what is theirs. */

import { execa } from "execa";
import { ExplainedError } from "./errors.js";

/** Debian's Emscripten finds its JavaScript parser here only when it is told to. */
export const DEBIAN_NODE_PATH = "/usr/share/nodejs";

/** They find their own tools: what npm puts before those are other versions. */
export function compilerEnvironment(): { readonly PATH: string; readonly NODE_PATH: string } {
  const folders = (process.env["PATH"] ?? "").split(":").filter((name) => !name.includes("node_modules"));
  return { PATH: folders.join(":"), NODE_PATH: DEBIAN_NODE_PATH };
}

/** Throws {@link ExplainedError} unless the system has the program `name`, which knows `--version`. */
export async function requireTool(name: string): Promise<void> {
  await runTool(name, ["--version"]);
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Characters of what a tool said that a message shows: the last ones. */
const SHOWN = 4000;

/** Runs a compiler, or what belongs to it. Rejects with {@link ExplainedError} and what it said when it is not there or fails. */
export async function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<void> {
  const result = await execa(command, [...args], { ...options, all: true, reject: false });
  if (result.code === "ENOENT") throw new ExplainedError(`${command} is not installed`);
  if (result instanceof Error) {
    const said = result.all.slice(-SHOWN) || result.message;
    throw new ExplainedError(`${command} ${args.join(" ")} failed:\n${said}`);
  }
}
