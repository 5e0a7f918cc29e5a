import { runBuild } from "./command.js";

process.exitCode = await runBuild(process.argv.slice(2));
