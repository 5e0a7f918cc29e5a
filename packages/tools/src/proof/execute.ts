/** Programs that a proof runs to see how they end. */

import { execa } from "execa";

export interface Ending {
  /** Exit code, or the name of the signal that ended the program. */
  readonly status: number | NodeJS.Signals;
  /** What it wrote to standard error. */
  readonly errors: string;
}

/** Runs a program to its end, or for so many seconds. */
export async function execute(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  seconds: number,
): Promise<Ending> {
  const result = await execa(program, [...args], {
    env: { PATH: process.env["PATH"], ...environment },
    extendEnv: false,
    stdio: ["ignore", "ignore", "pipe"],
    stripFinalNewline: false,
    timeout: seconds * 1000,
    killSignal: "SIGKILL",
    reject: false,
  });
  const status = result.signal ?? result.exitCode;
  if (status === undefined) throw new Error(result.shortMessage);
  return { status, errors: result.stderr };
}
