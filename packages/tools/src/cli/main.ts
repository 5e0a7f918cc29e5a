#!/usr/bin/env node
/** The command line: `hakmem COMMAND`. Every command is a file in `commands/`, listed here. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { Command, CommanderError } from "commander";
import { TOOLS } from "../paths.js";
import { RequestError } from "../lab/errors.js";
import { ProfileError } from "../profile/schema.js";
import { EXIT, type Register } from "./command.js";
import { registerAb } from "./commands/ab.js";
import { registerBench } from "./commands/bench.js";
import { registerBuild } from "./commands/build.js";
import { registerRun } from "./commands/run.js";
import { registerStart } from "./commands/start.js";

const COMMANDS: readonly Register[] = [registerStart, registerBench, registerAb, registerBuild, registerRun];

const { version } = JSON.parse(await readFile(path.join(TOOLS, "package.json"), "utf8")) as { version: string };

const program = new Command("hakmem")
  .description("A memory allocator for WebAssembly, shared memories and native programs, and the lab that measures it.")
  .version(version)
  .showHelpAfterError("(hakmem --help, or hakmem COMMAND --help, says more)")
  .exitOverride();
for (const register of COMMANDS) register(program);
// A command made after `exitOverride` inherits it only through `command()`: those that were added whole need it, too.
for (const command of program.commands) command.copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Prints what a person needs to know about `error` and returns the exit code that belongs to it. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // It has printed itself.
  if (error instanceof RequestError || error instanceof ProfileError) {
    console.error(`error: ${error.message}`);
    return EXIT.usage;
  }
  console.error(error);
  return EXIT.failed;
}
