/** From recordings to a profile, or to the sentence that says why there is none. Start with {@link tune}. */

import { MeasurementError } from "../base/errors.js";
import { describeHost, type Host } from "../lab/results.js";
import { THIS_NODE } from "../lab/node-versions.js";
import type { Progress } from "../lab/session.js";
import { hakmemPeer } from "../lab/peers/hakmem.js";
import type { Profile } from "../profile/index.js";
import { dimensionsFor } from "./candidates.js";
import type { Input, Inputs } from "./inputs.js";
import { meanRatio, verdictOn, type Objective, type Ratios } from "./judge.js";
import { measurePrewarm, type Prewarm } from "./prewarm.js";
import { searchProfile, type Step } from "./search.js";
import { stageFor, type Stage, type TuneTarget } from "./stage.js";
import { timeProfiles, type TimeRatio } from "./timing.js";

export const TUNING_VERSION = 1;

/** Times that the processes of the comparison at the end are started. */
const SESSIONS = 5;

export interface TuneOptions {
  readonly inputs: Inputs;
  readonly baseline: Profile;
  readonly target: TuneTarget;
  readonly objective: Objective;
  /** Name of the profile that is found. */
  readonly name: string;
  /** Rounds of the first timing of a setting, and of the comparison at the end. */
  readonly searchRounds: number;
  readonly rounds: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** One recording under both profiles. */
export interface Compared {
  readonly recording: string;
  readonly events: number;
  /** Bytes in use at once at most, as asked for. */
  readonly askedBytes: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
  readonly memory: number;
  readonly time: TimeRatio;
}

/** Several recordings, and all of them together. */
export interface Part extends Ratios {
  readonly each: readonly Compared[];
}

/** Results as data, version 1: fields may be added, none changes its meaning. */
export interface Tuning {
  readonly version: typeof TUNING_VERSION;
  readonly host: Host;
  readonly node: string;
  readonly target: TuneTarget;
  readonly objective: Objective;
  readonly baseline: string;
  readonly seed: number;
  readonly rounds: number;
  /** Whether training and what was held out are halves of one recording. */
  readonly halved: boolean;
  readonly steps: readonly Step[];
  /** Null where nothing was found in training. */
  readonly training: Part | null;
  readonly heldOut: Part | null;
  readonly prewarm: Prewarm | null;
  readonly pays: boolean;
  readonly reason: string;
  /** The profile that was found, whether it pays or not; null where nothing was found. */
  readonly profile: Profile | null;
}

/** Rejects with {@link MeasurementError} when the baseline cannot be measured, or it is interrupted. */
export async function tune(options: TuneOptions): Promise<Tuning> {
  const { inputs, baseline, target, objective, seed, rounds, searchRounds, signal, onProgress } = options;
  const stage = stageFor(target);
  const dimensions = dimensionsFor(
    inputs.training.map(({ histogram }) => histogram),
    target,
  );
  const { profile, steps } = await searchProfile({
    stage,
    training: inputs.training,
    baseline,
    dimensions,
    objective,
    rounds: searchRounds,
    signal,
    onProgress,
  });
  const about = {
    version: TUNING_VERSION,
    host: describeHost(),
    node: THIS_NODE.version,
    target,
    objective,
    baseline: baseline.name,
    seed,
    rounds,
    halved: inputs.halved,
    steps,
  } as const;
  onProgress?.({ doing: "blocks in advance", done: dimensions.length, total: dimensions.length });
  const prewarm = target === "wasm32" ? ((await prewarmOf(profile, inputs)) ?? null) : null;
  if (profile === baseline)
    return {
      ...about,
      training: null,
      heldOut: null,
      prewarm,
      pays: false,
      reason: "nothing that was tried pays in training",
      profile: null,
    };
  const { training, heldOut } = await compareOn(stage, profile, options);
  const { pays, reason } = verdictOn(heldOut, objective);
  return { ...about, training, heldOut, prewarm, pays, reason, profile: named(profile, options, heldOut) };
}

async function prewarmOf(profile: Profile, { training }: Inputs): Promise<Prewarm | undefined> {
  const bytes = await hakmemPeer({ name: "candidate", profile }).build("wasm32");
  return measurePrewarm(await WebAssembly.compile(new Uint8Array(bytes)), training);
}

/** Both parts in a session each, with the rounds of the end. */
async function compareOn(
  stage: Stage,
  profile: Profile,
  options: TuneOptions,
): Promise<{ readonly training: Part; readonly heldOut: Part }> {
  const { training, heldOut } = options.inputs;
  return {
    training: await partOf(stage, profile, training, "training", options),
    heldOut: await partOf(stage, profile, heldOut, "held out", options),
  };
}

async function partOf(
  stage: Stage,
  profile: Profile,
  inputs: readonly Input[],
  what: string,
  { baseline, rounds, signal, onProgress }: TuneOptions,
): Promise<Part> {
  const [timed] = await timeProfiles({
    stage,
    inputs,
    baseline,
    candidates: [profile],
    rounds: Math.ceil(rounds / SESSIONS),
    sessions: SESSIONS,
    signal,
    onProgress: onProgress && (({ doing }) => onProgress({ doing: `${what}: ${doing}`, done: 1, total: 1 })),
  });
  if (timed === undefined) throw new MeasurementError("the profile could not be timed");
  const each: Compared[] = [];
  for (const [index, input] of inputs.entries()) {
    const [beforeBytes, afterBytes] = [await stage.memoryOf(baseline, input), await stage.memoryOf(profile, input)];
    each.push({
      recording: input.name,
      events: input.trace.events.length / 2,
      askedBytes: input.histogram.peakBytes,
      beforeBytes,
      afterBytes,
      memory: afterBytes / beforeBytes,
      time: timed.each[index] ?? null,
    });
  }
  return { each, memory: meanRatio(each.map(({ memory }) => memory)), time: timed.all };
}

/** The profile as a file has it. */
function named(profile: Profile, { name, inputs, target, objective, baseline }: TuneOptions, heldOut: Part): Profile {
  const words = inputs.training.map(({ name: recording }) => recording).join(", ");
  const goal = objective === "both" ? "memory and time" : objective;
  const time = heldOut.time === null ? "" : `, ${Math.round(100 * heldOut.time.value)} % of its time`;
  return {
    ...profile,
    name,
    description:
      `Tuned for ${goal} by hakmem tune from ${words} (${target}): ` +
      `${Math.round(100 * heldOut.memory)} % of the memory of ${baseline.name}${time}, where it was held out.`,
  };
}
