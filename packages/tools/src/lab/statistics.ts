/**
 * From samples to figures. Rounds are interleaved, so all peers' samples of one round saw the same machine: the bootstrap
 * draws whole rounds.
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";
import { median, quantileSorted, sampleWithReplacement } from "simple-statistics";

/** Probability that the interval holds the true value, were the rounds independent. */
export const CONFIDENCE = 0.95;

const RESAMPLES = 2000;

export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What a peer cost in each round, and the null allocator in the same rounds: ns/op. */
export interface PairedRounds {
  readonly peer: readonly number[];
  readonly nothing: readonly number[];
}

/** The median, with its bootstrap interval. */
export function estimateMedian(rounds: readonly number[]): Estimate {
  return bootstrap(rounds.length, (draw) => medianOf(rounds, draw));
}

/** Median minus the null allocator's median, with its bootstrap interval. */
export function estimateNet(rounds: PairedRounds): Estimate {
  return bootstrap(commonLength([rounds]), (draw) => netOf(rounds, draw));
}

/** The ratio of two nets, with its bootstrap interval; undefined when a divisor is not above zero in nearly all resamples. */
export function estimateRatio(numerator: PairedRounds, denominator: PairedRounds): Estimate | undefined {
  const estimate = bootstrap(
    commonLength([numerator, denominator]),
    (draw) => netOf(numerator, draw) / Math.max(0, netOf(denominator, draw)),
  );
  return Number.isFinite(estimate.high) && Number.isFinite(estimate.value) ? estimate : undefined;
}

/** The ratio of two medians over the same rounds, with its bootstrap interval. */
export function estimateMedianRatio(numerator: readonly number[], denominator: readonly number[]): Estimate {
  const count = Math.min(numerator.length, denominator.length);
  return bootstrap(count, (draw) => medianOf(numerator, draw) / medianOf(denominator, draw));
}

/** Half of the interval, relative to the value: 0.05 is ±5 %. */
export function relativeWidth({ value, low, high }: Estimate): number {
  return value === 0 ? Number.POSITIVE_INFINITY : Math.abs((high - low) / 2 / value);
}

/** Rounds after which an interval that now is `width` wide would be `wanted`: it narrows with their square root. */
export function roundsNeeded(rounds: number, width: number, wanted: number): number {
  return Math.ceil(rounds * (width / wanted) ** 2);
}

function netOf({ peer, nothing }: PairedRounds, draw: readonly number[]): number {
  return medianOf(peer, draw) - medianOf(nothing, draw);
}

function medianOf(rounds: readonly number[], draw: readonly number[]): number {
  return median(draw.map((round) => at(rounds, round)));
}

function commonLength(pairs: readonly PairedRounds[]): number {
  return Math.min(...pairs.flatMap(({ peer, nothing }) => [peer.length, nothing.length]));
}

/** Percentile bootstrap of a statistic of `count` rounds. The draws are the same in every call: results are reproducible. */
function bootstrap(count: number, statistic: (rounds: readonly number[]) => number): Estimate {
  if (count === 0) throw new RangeError("an estimate needs at least one round");
  const all = Array.from({ length: count }, (_, round) => round);
  const generator = mersenne(count);
  const random = (): number => uniformFloat64(generator);
  const values = Array.from({ length: RESAMPLES }, () => statistic(sampleWithReplacement(all, count, random)));
  values.sort((a, b) => a - b);
  const tail = (1 - CONFIDENCE) / 2;
  return { value: statistic(all), low: quantileSorted(values, tail), high: quantileSorted(values, 1 - tail) };
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`round ${index} is missing; there are ${values.length}`);
  return value;
}
