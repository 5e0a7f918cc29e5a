/**
 * Times runs, and tells those that the machine disturbed from the others: before and after each run a fixed piece of arithmetic
 * is timed, too. It takes longer while another program uses the same core or its sibling, and says nothing about the peer.
 */

import type { SampleRequest } from "./protocol.js";

/**
 * A run counts as undisturbed while the arithmetic takes at most this much longer than the fastest time ever seen for it. Where its
 * code happens to lie makes a tenth; a sibling core at work makes more than half.
 */
const TOLERANCE = 1.2;

/** About a fifth of a millisecond. */
const CALIBRATION_STEPS = 200_000;
const CALIBRATION_WARM_UPS = 20;

export interface TimedRuns {
  /** Wall time of the undisturbed runs; of all, if there was none. */
  readonly nanoseconds: readonly number[];
  /** Whether no run was undisturbed. */
  readonly disturbed: boolean;
  /** Fastest time of the arithmetic so far, in nanoseconds. */
  readonly calibration: number;
}

/** `run` is called at least `request.runs` times; it is told how often it has been called before. */
export function timeRuns(request: SampleRequest, run: (count: number) => void): TimedRuns {
  let fastest = Math.min(request.calibration ?? Number.POSITIVE_INFINITY, ...warmUpOnce());
  const runs: { nanoseconds: number; calibration: number }[] = [];
  let before = calibrate();
  const isClean = ({ calibration }: { calibration: number }): boolean => calibration <= fastest * TOLERANCE;
  const isEnough = (): boolean => runs.length >= request.runs && runs.filter(isClean).length >= request.runs;
  while (!isEnough() && runs.length < request.mostRuns) {
    const begin = process.hrtime.bigint();
    run(runs.length);
    const nanoseconds = Number(process.hrtime.bigint() - begin);
    const after = calibrate();
    fastest = Math.min(fastest, after);
    runs.push({ nanoseconds, calibration: Math.max(before, after) });
    before = after;
  }
  const clean = runs.filter(isClean);
  return {
    nanoseconds: (clean.length > 0 ? clean : runs).map(({ nanoseconds }) => nanoseconds),
    disturbed: clean.length === 0,
    calibration: fastest,
  };
}

let isWarm = false;

/** Lets the engine compile the arithmetic before it is believed. */
function warmUpOnce(): number[] {
  if (isWarm) return [];
  isWarm = true;
  for (let i = 0; i < CALIBRATION_WARM_UPS; i++) calibrate();
  return [calibrate(), calibrate()];
}

let sink = 0;

/** Times four independent chains of multiplications: they fill a core, and slow down when they have to share it. */
function calibrate(): number {
  let [a, b, c, d] = [1, 2, 3, sink | 1];
  const begin = process.hrtime.bigint();
  for (let i = 0; i < CALIBRATION_STEPS; i++) {
    a = (Math.imul(a, 0x2c1b3c6d) + i) | 0;
    b = Math.imul(b, 0x297a2d39) ^ i;
    c = (Math.imul(c, 0x1b56c4e9) + i) | 0;
    d = Math.imul(d, 0x343fd) ^ i;
  }
  const nanoseconds = Number(process.hrtime.bigint() - begin);
  sink = a ^ b ^ c ^ d;
  return nanoseconds;
}
