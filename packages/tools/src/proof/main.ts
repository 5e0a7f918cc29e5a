/** `npm run prove -- WHAT`: what shows that the allocator is right and takes longer than a test may. A file here for each. */

import { makeProgram, runProgram, type Register } from "../cli/command.js";
import { registerEngines } from "./engines.js";
import { registerFigures } from "./figures.js";
import { registerFuzz } from "./fuzz.js";
import { registerInterruptions } from "./interruptions.js";
import { registerLinked } from "./linked.js";
import { registerMistakes } from "./mistakes.js";
import { registerModel } from "./model.js";
import { registerPlaces } from "./places.js";
import { registerProfiles } from "./profiles.js";
import { registerSanitize } from "./sanitize.js";
import { registerSoak } from "./soak/command.js";

const COMMANDS: readonly Register[] = [
  registerEngines,
  registerFigures,
  registerFuzz,
  registerInterruptions,
  registerLinked,
  registerMistakes,
  registerModel,
  registerPlaces,
  registerProfiles,
  registerSanitize,
  registerSoak,
];

await runProgram(
  makeProgram(
    "npm run prove --",
    "Shows that the allocator is right, and what it costs, by means that take longer than a test may.",
    COMMANDS,
  ),
);
