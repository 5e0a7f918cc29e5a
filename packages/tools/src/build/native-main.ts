import { runBuildNative } from "./native-command.js";

process.exitCode = await runBuildNative(process.argv.slice(2));
