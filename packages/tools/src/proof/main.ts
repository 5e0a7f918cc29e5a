/** `npm run prove -- WHAT`: what shows that the allocator is right and takes longer than a test may. A file here for each. */

import { Command, CommanderError } from "commander";
import { NativeCompilerError } from "../build/native-compiler.js";
import { EXIT, type Register } from "../cli/command.js";
import { messageOf, RequestError } from "../lab/errors.js";
import { ProfileError } from "../profile/index.js";
import { registerEngines } from "./engines.js";
import { registerFuzz } from "./fuzz.js";
import { registerInterruptions } from "./interruptions.js";
import { registerMistakes } from "./mistakes.js";
import { registerModel } from "./model.js";
import { registerProfiles } from "./profiles.js";
import { registerSanitize } from "./sanitize.js";
import { registerSoak } from "./soak/command.js";

const COMMANDS: readonly Register[] = [
  registerEngines,
  registerFuzz,
  registerInterruptions,
  registerMistakes,
  registerModel,
  registerProfiles,
  registerSanitize,
  registerSoak,
];

const program = new Command("npm run prove --")
  .description("Shows that the allocator is right, by means that take longer than a test may.")
  .showHelpAfterError("(npm run prove -- --help says more)")
  .exitOverride();
for (const register of COMMANDS) register(program);
for (const command of program.commands) command.copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else if (error instanceof RequestError || error instanceof ProfileError) {
    console.error(`error: ${messageOf(error)}`);
    process.exitCode = EXIT.usage;
  } else if (error instanceof NativeCompilerError) {
    console.error(`error: ${error.message}`);
    process.exitCode = EXIT.failed;
  } else {
    console.error(error);
    process.exitCode = EXIT.failed;
  }
}
