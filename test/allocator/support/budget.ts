import type { Parameters } from "fast-check";

/** How long each open-ended test runs, from the environment; undefined: the short run that every change gets. */
const SECONDS = readSeconds();

function readSeconds(): number | undefined {
  const text = process.env["HAKMEM_TEST_SECONDS"];
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (!(seconds > 0)) throw new Error(`HAKMEM_TEST_SECONDS is "${text}": give a number of seconds above 0`);
  return seconds;
}

/** A machine that is busy with other things makes fewer runs in the end; a failure is shrunk no longer than this, too. */
const SHORT_RUN_SECONDS = 8;

/** A property's runs: `runs` of them, or as many as fit the soak. */
export function runs(runs: number): Parameters<unknown> {
  return {
    numRuns: SECONDS === undefined ? runs : Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (SECONDS ?? SHORT_RUN_SECONDS) * 1000,
    markInterruptAsFailure: false,
  };
}

/** Seconds that a soak with several threads lasts. */
export function seconds(otherwise: number): number {
  return SECONDS ?? otherwise;
}

/** For a test's own time-out: enough for a machine that is busy with other things too. */
export const TIMEOUT_MS = 120_000 + 4 * 1000 * (SECONDS ?? 0);
