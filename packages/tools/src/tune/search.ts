/**
 * The search: one setting after another, from the profile that it starts with. Of each setting all values are measured for memory, which is exact;
 * those that are left are timed, few rounds for all and more for the better half, until one is left (successive halving).
 */

import { MeasurementError } from "../base/errors.js";
import type { Progress } from "../lab/session.js";
import type { Profile } from "../profile/index.js";
import type { Candidate, Dimension } from "./candidates.js";
import type { Input } from "./inputs.js";
import { isBetter, meanRatio, scoreOf, type Objective, type Ratios } from "./judge.js";
import type { Stage } from "./stage.js";
import { timeProfiles } from "./timing.js";

export interface SearchOptions {
  readonly stage: Stage;
  readonly training: readonly Input[];
  readonly baseline: Profile;
  readonly dimensions: readonly Dimension[];
  readonly objective: Objective;
  /** Rounds of the first timing of a setting; each further one has twice as many. */
  readonly rounds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A value that was tried. */
export interface Tried extends Ratios {
  readonly label: string;
  readonly profile: Profile;
  readonly score: number;
}

/** What came of a setting. */
export interface Step {
  readonly dimension: string;
  /** All values that were tried, the best one first. */
  readonly tried: readonly Tried[];
  /** The value that was taken; null where what there was remains. */
  readonly taken: string | null;
  /** Values that could not be measured, and why. */
  readonly failed: readonly string[];
}

export interface Found {
  readonly profile: Profile;
  readonly steps: readonly Step[];
}

/** So many are timed at once, those that take least memory; all where only time counts. */
const MOST_TIMED = 4;
/** Of so few none is left out any more. */
const FINALISTS = 2;

/** Rejects with `MeasurementError` when the baseline cannot be measured; a candidate that cannot is left out. */
export async function searchProfile(options: SearchOptions): Promise<Found> {
  const { baseline, dimensions, objective } = options;
  let best: Tried = { label: baseline.name, profile: baseline, memory: 1, time: null, score: 0 };
  const steps: Step[] = [];
  for (const [index, dimension] of dimensions.entries()) {
    const show = (doing: string): void =>
      options.onProgress?.({ doing: `${dimension.name}: ${doing}`, done: index, total: dimensions.length });
    const candidates = dimension.from(best.profile);
    const failed: string[] = [];
    const tried = await measure(candidates, best, options, show, failed);
    const [first] = tried;
    // What there is was timed again beside the others, where it is not the baseline itself.
    const before = tried.find(({ profile }) => profile === best.profile) ?? best;
    const others = tried.filter(({ profile }) => profile !== best.profile);
    const wins = first !== undefined && first.profile !== best.profile && isBetter(first, before, objective);
    if (wins) best = first;
    steps.push({ dimension: dimension.name, tried: others, taken: wins ? first.label : null, failed });
    if (options.signal?.aborted === true) throw new MeasurementError("interrupted");
  }
  return { profile: best.profile, steps };
}

/** All that could be measured, the best first; what there is now is among them when it was timed beside the others. */
async function measure(
  candidates: readonly Candidate[],
  now: Tried,
  options: SearchOptions,
  show: (doing: string) => void,
  failed: string[],
): Promise<Tried[]> {
  const { objective, baseline } = options;
  const measured: Tried[] = [];
  for (const { label, profile } of candidates) {
    show(label);
    const memory = await memoryRatio(profile, options);
    if (typeof memory === "string") {
      failed.push(`${label}: ${memory}`);
      continue;
    }
    const ratios = { memory, time: null };
    measured.push({ label, profile, ...ratios, score: scoreOf(ratios, objective) });
  }
  if (objective === "memory") return measured.sort(byScore);
  const admitted = measured
    .filter(({ memory }) => objective === "time" || memory <= Math.max(1, now.memory) + 1e-9)
    .sort((a, b) => a.memory - b.memory)
    .slice(0, objective === "time" ? measured.length : MOST_TIMED);
  if (admitted.length === 0) return measured.sort(byScore);
  const untimed = measured.filter((each) => !admitted.includes(each));
  let left = now.profile === baseline ? admitted : [now, ...admitted];
  const out: Tried[] = [];
  for (let { rounds } = options; ; rounds *= 2) {
    left = (await timed(left, rounds, options, show)).sort(byScore);
    if (left.length <= FINALISTS) break;
    const keep = Math.max(FINALISTS, Math.ceil(left.length / 2));
    // What there is now stays to the end: the winner must be better than it.
    const kept = left.filter(({ profile }, index) => index < keep || profile === now.profile);
    if (kept.length === left.length) break;
    out.push(...left.filter((each) => !kept.includes(each)));
    left = kept;
  }
  return [...left, ...out, ...untimed.sort(byScore)];
}

async function timed(
  tried: readonly Tried[],
  rounds: number,
  options: SearchOptions,
  show: (doing: string) => void,
): Promise<Tried[]> {
  const { stage, training, baseline, objective, signal } = options;
  const candidates = tried.map(({ profile }) => profile);
  const figures = await timeProfiles({
    stage,
    inputs: training,
    baseline,
    candidates,
    rounds,
    sessions: 1,
    signal,
    onProgress: ({ doing }) => {
      show(doing);
    },
  });
  return tried.map((each, index) => {
    const ratios = { memory: each.memory, time: figures[index]?.all ?? null };
    return { ...each, ...ratios, score: scoreOf(ratios, objective) };
  });
}

const byScore = (a: Tried, b: Tried): number =>
  a.score === b.score ? a.memory - b.memory : a.score < b.score ? -1 : 1;

/** Geometric mean over the recordings of memory over the baseline's, or why it cannot be measured. */
async function memoryRatio(profile: Profile, { stage, training, baseline }: SearchOptions): Promise<number | string> {
  const ratios: number[] = [];
  for (const input of training) {
    const before = await stage.memoryOf(baseline, input);
    try {
      ratios.push((await stage.memoryOf(profile, input)) / before);
    } catch (error) {
      if (error instanceof MeasurementError || error instanceof WebAssembly.RuntimeError) return error.message;
      throw error;
    }
  }
  return meanRatio(ratios);
}
