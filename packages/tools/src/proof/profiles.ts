/** `npm run prove -- profiles`: hundreds of random profiles, built for every target and churned. The test does the work. */

import { createRequire } from "node:module";
import * as path from "node:path";
import { execa } from "execa";
import { ROOT } from "../base/paths.js";
import { EXIT, wholeNumber, type Register } from "../cli/command.js";

const TEST = "test/profile/random.test.ts";
const MAX_SEED = 2 ** 31 - 1;

interface Options {
  readonly count: number;
  readonly seed: number;
}

export const registerProfiles: Register = (program) => {
  program
    .command("profiles")
    .description(
      "Draws profiles that the schema accepts at random, builds each for all targets that can have it, and churns every build " +
        "beside a model of what must be true. Takes about half a minute of processor time for each profile.",
    )
    .option("--count <number>", "profiles to draw", wholeNumber(1, 100_000), 100)
    .option("--seed <number>", "which profiles, and what is done with them", wholeNumber(0, MAX_SEED), 1)
    .action(async ({ count, seed }: Options) => {
      const failed = (await test({ HAKMEM_TEST_PROFILES: String(count), HAKMEM_TEST_SEED: String(seed) })) !== 0;
      console.log(
        `${count} profiles, drawn with seed ${seed}: ${failed ? "some do not work, or were not tried; see above" : "all work"}`,
      );
      process.exitCode = failed ? EXIT.failed : EXIT.ok;
    });
};

/** Runs the test with all that it reports as progress; resolves to its exit code. */
async function test(env: Readonly<Record<string, string>>): Promise<number> {
  const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const { exitCode } = await execa(process.execPath, [vitest, "run", "--reporter=verbose", TEST], {
    cwd: ROOT,
    env,
    stdio: ["ignore", process.stderr.fd, "inherit"],
    reject: false,
  });
  return exitCode ?? EXIT.failed;
}
