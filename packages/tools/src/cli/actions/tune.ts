/** What `hakmem tune` does. */

import * as path from "node:path";
import { unknownName } from "../../base/errors.js";
import { checkOptionalOutput, checkOutputFile, writeOutput } from "../../base/output.js";
import { abortOnInterrupt, withScratch } from "../../base/scratch.js";
import { withProgress } from "../../lab/progress.js";
import { constantsOf, loadProfile, parseProfile, type Profile } from "../../profile/index.js";
import { readInputs, type Inputs } from "../../tune/inputs.js";
import { OBJECTIVES } from "../../tune/judge.js";
import { formatTuning } from "../../tune/report.js";
import { TUNE_TARGETS } from "../../tune/stage.js";
import { tune as tuneProfile, type Tuning } from "../../tune/tune.js";
import { EXIT, type CommonOptions } from "../command.js";

export interface TuneOptions extends CommonOptions {
  readonly output?: string;
  readonly for: string;
  readonly target: string;
  readonly holdOut?: number;
  readonly profile: string;
  readonly rounds: number;
  readonly searchRounds: number;
  readonly seed: number;
  readonly json?: string | true;
}

export async function tune(files: readonly string[], options: TuneOptions): Promise<void> {
  const objective = oneOf("goal", options.for, OBJECTIVES);
  const target = oneOf("target", options.target, TUNE_TARGETS);
  const [first = ""] = files;
  const output = options.output ?? `${path.basename(first, path.extname(first))}.json`;
  await checkOutputFile(output);
  await checkOptionalOutput("--json", options.json);
  const baseline = await loadProfile(options.profile);
  constantsOf(baseline, target);
  const signal = abortOnInterrupt();
  const { holdOut, seed, rounds, searchRounds } = options;
  const tuning = await withScratch("tune", async (scratch) => {
    const inputs = await readInputs({ files, holdOut, seed, scratch });
    if (!options.quiet) announce(inputs);
    return withProgress(options, (onProgress) =>
      tuneProfile({
        inputs,
        baseline,
        target,
        objective,
        name: profileName(output),
        rounds,
        searchRounds,
        seed,
        signal,
        onProgress,
      }),
    ).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      console.error("interrupted: nothing was written");
      return undefined;
    });
  });
  if (tuning === undefined) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  if (options.json !== true) console.log(formatTuning(tuning));
  const text = JSON.stringify(tuning, null, 2);
  if (options.json === true) console.log(text);
  else if (options.json !== undefined) await writeOutput(options.json, `${text}\n`);
  await writeProfile(tuning, output, options);
}

async function writeProfile({ pays, profile }: Tuning, output: string, { json }: TuneOptions): Promise<void> {
  const say = (text: string): void => {
    if (json === true) console.error(text);
    else console.log(text);
  };
  if (!pays || profile === null) return say(`No profile was written.`);
  const checked: Profile = parseProfile(profile, output);
  await writeOutput(output, `${JSON.stringify(checked, null, 2)}\n`);
  const named = output.includes("/") ? output : `./${output}`;
  say(`${output} has the profile; hakmem build --profile ${named} makes the allocator.`);
}

function announce({ training, heldOut, halved, alike }: Inputs): void {
  for (const file of alike) console.error(`${file} is another recording's like, and left out`);
  const names = (inputs: Inputs["training"]): string => inputs.map(({ name }) => name).join("; ");
  console.error(`training: ${names(training)}\nheld out: ${names(heldOut)}`);
  if (halved) console.error("one recording only: it says nothing about other runs; two or more say more");
  for (const { name, recording, trace } of [...training, ...heldOut]) {
    const events = trace.events.length / 2;
    if (events < recording.head.events)
      console.error(`${name}: ${events} of ${recording.head.events} events, those of a share of all blocks`);
  }
}

/** A profile's name from a file's: `My App.json` is `my-app`. */
function profileName(file: string): string {
  const LONGEST = 32;
  const name = path
    .basename(file, ".json")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "")
    .slice(0, LONGEST);
  return name === "" ? "tuned" : name;
}

function oneOf<Name extends string>(what: string, text: string, valid: readonly Name[]): Name {
  const name = valid.find((each) => each === text);
  if (name === undefined) throw unknownName(what, text, valid);
  return name;
}
