/** How long candidates take beside the profile that they start from: in one session, round by round in turn. */

import { median } from "simple-statistics";
import { MeasurementError } from "../base/errors.js";
import { THIS_NODE } from "../lab/node-versions.js";
import { recordingWorkload, traceOf } from "../lab/recordings.js";
import { commonRounds } from "../lab/rounds.js";
import { runSession, type Cell, type Progress } from "../lab/session.js";
import { estimateRatio, type Estimate, type PairedRounds } from "../lab/statistics.js";
import type { Profile } from "../profile/index.js";
import type { Input } from "./inputs.js";
import type { Stage } from "./stage.js";

/** Time of the calls over the baseline's, both less the driver's; null where the calls cost too little to be told from the driver. */
export type TimeRatio = Estimate | null;

export interface Timed {
  /** For each recording, in order. */
  readonly each: readonly TimeRatio[];
  /** Of all recordings together, which count alike. */
  readonly all: TimeRatio;
}

export interface TimingOptions {
  readonly stage: Stage;
  readonly inputs: readonly Input[];
  readonly baseline: Profile;
  readonly candidates: readonly Profile[];
  /** Of each session. */
  readonly rounds: number;
  /** In each the processes that measure are started anew, so that their luck with addresses is drawn again. */
  readonly sessions: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export const BASELINE = "hakmem-before";
/** A visit counts as the fastest of them. */
const RUNS = 5;
const TIMEOUT_MS = 600_000;

/** For each candidate, in order. Rejects with {@link MeasurementError} when one fails, or when it is interrupted. */
export async function timeProfiles(options: TimingOptions): Promise<Timed[]> {
  const { candidates, sessions } = options;
  if (candidates.length === 0) return [];
  const names = candidates.map((_, index) => `candidate-${index + 1}`);
  // For each candidate and recording, the rounds of all sessions.
  const triples = candidates.map(() => options.inputs.map((): Triple => ({ nothing: [], before: [], after: [] })));
  for (let n = 0; n < sessions; n++) {
    const cells = await measure(options, names);
    const cellsOf = (name: string): Cell[] => cells.filter(({ peer }) => peer.name === name);
    const [nothing, before] = [cellsOf(options.stage.nothing.name), cellsOf(BASELINE)];
    for (const [index, name] of names.entries()) {
      const own = triples[index] ?? [];
      triples[index] = roundsOf(nothing, before, cellsOf(name)).map((triple, at) => join(own[at], triple));
    }
  }
  return triples.map((each) => ({ each: each.map(ratioOf), all: ratioOf(together(each)) }));
}

async function measure(options: TimingOptions, names: readonly string[]): Promise<readonly Cell[]> {
  const { stage, inputs, baseline, candidates, rounds, signal, onProgress } = options;
  const session = await runSession({
    workloads: inputs.map(({ file, recording }) =>
      recordingWorkload(file, stage.mostEvents, traceOf(recording, stage.mostEvents)),
    ),
    peers: [
      stage.nothing,
      stage.peerOf(baseline, BASELINE),
      ...candidates.map((profile, index) => stage.peerOf(profile, names[index] ?? "")),
    ],
    targets: [stage.target],
    threads: [1],
    nodes: [THIS_NODE],
    rounds,
    runs: RUNS,
    quick: true,
    freshProcesses: false,
    timeline: false,
    timeoutMilliseconds: TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  if (session.incomplete) throw new MeasurementError("interrupted");
  const failed = session.cells.find(({ failure }) => failure !== null);
  if (failed !== undefined) throw new MeasurementError(`${failed.peer.description}: ${failed.failure}`);
  return session.cells;
}

/** For each recording the rounds that the machine did not disturb. */
function roundsOf(nothing: readonly Cell[], before: readonly Cell[], after: readonly Cell[]): Triple[] {
  return before.map((base, index) => {
    const [other, driver] = [after[index], nothing[index]];
    if (other === undefined || driver === undefined) throw new Error(`${base.workload.id} was not planned for all`);
    const [a = [], b = [], c = []] = commonRounds([driver, base, other]);
    return { nothing: a, before: b, after: c };
  });
}

const join = (first: Triple | undefined, { nothing, before, after }: Triple): Triple => ({
  nothing: [...(first?.nothing ?? []), ...nothing],
  before: [...(first?.before ?? []), ...before],
  after: [...(first?.after ?? []), ...after],
});

/** ns/op in the same rounds. */
export interface Triple {
  readonly nothing: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export function ratioOf({ nothing, before, after }: Triple): TimeRatio {
  if (before.length === 0) return null;
  const pair = (peer: readonly number[]): PairedRounds => ({ peer, nothing });
  const ratio = estimateRatio(pair(after), pair(before));
  return ratio === undefined || ratio.value <= 0 ? null : ratio;
}

/** Means over recordings, round by round, each in units of what the baseline's calls take of it; those where that is nothing are left out. */
export function together(triples: readonly Triple[]): Triple {
  const scaled = triples.flatMap((triple) => {
    const unit = median([...triple.before]) - median([...triple.nothing]);
    return unit > 0 ? [{ triple, unit }] : [];
  });
  const rounds = Math.min(...scaled.map(({ triple }) => triple.before.length));
  const mean = (of: (triple: Triple) => readonly number[]): number[] =>
    Array.from({ length: Number.isFinite(rounds) ? rounds : 0 }, (_, round) =>
      scaled.reduce((sum, { triple, unit }) => sum + (of(triple)[round] ?? Number.NaN) / unit / scaled.length, 0),
    );
  return {
    nothing: mean(({ nothing }) => nothing),
    before: mean(({ before }) => before),
    after: mean(({ after }) => after),
  };
}
