/** `hakmem doctor`: whether a machine and a project are fit for hakmem. */

import { list, type Register } from "../command.js";
import type { DoctorOptions } from "../actions/doctor.js";

const HELP = `
A line a check: ✓ it is as it must be, ! something will not work, or not as expected, ✗ what is there is broken, or set to what has no effect.
With --url the server of a page is asked for the headers that shared memory needs, and how it serves modules.

Exit code: 0 nothing is broken, 1 something is, 2 wrong arguments.`;

export const registerDoctor: Register = (program) => {
  program
    .command("doctor")
    .description("check a machine and a project: programs, settings, headers, and every build by a few calls")
    .option("--url <addresses>", "pages of a server that runs", list)
    .option("--project <directory>", "where vite, webpack or _headers are set up", ".")
    .option("--no-smoke", "run no build")
    .option("--json", "print the checks as JSON", false)
    .addHelpText("after", HELP)
    .action(async (options: DoctorOptions) => (await import("../actions/doctor.js")).doctor(options));
};
