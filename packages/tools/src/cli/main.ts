#!/usr/bin/env node
/** The command line: `hakmem COMMAND`. Every command is a file in `commands/`, listed here. */

import { readFileSync } from "node:fs";
import * as path from "node:path";
import completion from "@bomb.sh/tab/commander";
import { TOOLS } from "../base/paths.js";
import { makeProgram, runProgram } from "./command.js";
import { registerAb } from "./commands/ab.js";
import { registerBench } from "./commands/bench.js";
import { registerBuild } from "./commands/build.js";
import { registerBuildAssemblyScript } from "./commands/build-assemblyscript.js";
import { registerBuildC } from "./commands/build-c.js";
import { registerBuildNative } from "./commands/build-native.js";
import { registerProfile } from "./commands/profile.js";
import { registerDoctor } from "./commands/doctor.js";
import { registerRecord } from "./commands/record.js";
import { registerReplay } from "./commands/replay.js";
import { registerRun, withStatsFormat } from "./commands/run.js";
import { registerStart } from "./commands/start.js";
import { registerView } from "./commands/view.js";
import { registerTune } from "./commands/tune.js";

const { version } = JSON.parse(readFileSync(path.join(TOOLS, "package.json"), "utf8")) as { version: string };

const program = makeProgram(
  "hakmem",
  "A memory allocator for WebAssembly, shared memories and native programs, and the lab that measures it.",
  [
    registerStart,
    registerBench,
    registerAb,
    registerBuild,
    registerBuildAssemblyScript,
    registerBuildC,
    registerBuildNative,
    registerRun,
    registerRecord,
    registerProfile,
    registerReplay,
    registerView,
    registerTune,
    registerDoctor,
  ],
).version(version);
completion(program, { completionCommandName: "completion" });
await runProgram(program, withStatsFormat(process.argv.slice(2)));
