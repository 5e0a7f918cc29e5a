/**
 * Results as data, version 1. What is here stays: fields may be added, none changes its meaning. Documented in
 * docs/benchmarks.md.
 */

import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import {
  CONFIDENCE,
  estimateMedian,
  estimateNet,
  estimateRatio,
  relativeWidth,
  roundsNeeded,
  type Estimate,
  type PairedRounds,
} from "./statistics.js";
import { groupBy } from "./group-by.js";
import { commonRounds, LEAST_ROUNDS } from "./rounds.js";
import { groupOf, type Cell, type Session } from "./session.js";
import { labelOf } from "./peers/peer.js";
import type { LabTarget } from "./target.js";
import type { MemoryPoint } from "./measure/protocol.js";

export const RESULTS_VERSION = 1;

export interface Results {
  readonly version: typeof RESULTS_VERSION;
  readonly host: Host;
  /** Whether fewer rounds were finished than asked for; what is there is from finished rounds only. */
  readonly incomplete: boolean;
  readonly rounds: number;
  /** Probability that an interval holds the true value. */
  readonly confidence: number;
  readonly results: readonly Result[];
}

export interface Host {
  readonly os: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** When the results were made, ISO 8601. */
  readonly time: string;
}

export interface Result {
  readonly workload: string;
  /** What tells variants of a workload apart. */
  readonly params: Readonly<Record<string, number | string>>;
  readonly target: LabTarget;
  readonly node: string;
  readonly threads: number;
  readonly peer: string;
  readonly profile: string | null;
  /** All threads together. */
  readonly opsPerSecond: number | null;
  /** Wall time over the operations of all threads. */
  readonly nsPerOp: number | null;
  /** Less the null allocator's under the same driver; null for the null allocator itself. */
  readonly netNsPerOp: number | null;
  /** Half of the confidence interval of `nsPerOp`, relative to it. */
  readonly spread: number | null;
  readonly rounds: number;
  readonly peakBytes: number | null;
  readonly liveBytes: number | null;
  readonly checksum: string | null;
  /** Interval of `netNsPerOp`. */
  readonly netInterval: readonly [number, number] | null;
  /** Net of the baseline over this peer's: below 1, the baseline costs less. */
  readonly ratio: Ratio | null;
  /** Rounds in which the machine was busy with something else all the time; their figures are too high. */
  readonly disturbed: number;
  /** Operations of one timed run. */
  readonly operations: number;
  /** Why the peer could not be measured or is not to be trusted. */
  readonly failure: string | null;
  /** Memory over one run, when it was recorded. */
  readonly timeline: readonly MemoryPoint[];
}

export interface Ratio {
  readonly baseline: string;
  /** Null when the interval is too wide for a figure; `roundsNeeded` then says what would do. */
  readonly value: number | null;
  readonly interval: readonly [number, number] | null;
  readonly roundsNeeded: number | null;
}

export interface ResultsOptions {
  /** Label of the peer that ratios are about. */
  readonly baseline: string;
  /** Widest half interval, relative to the ratio, with which a ratio is still told. */
  readonly widest: number;
}

export function resultsOf(session: Session, options: ResultsOptions): Results {
  const groups = groupBy(session.cells, groupOf);
  return {
    version: RESULTS_VERSION,
    host: describeHost(),
    incomplete: session.incomplete,
    rounds: session.rounds,
    confidence: CONFIDENCE,
    results: [...groups.values()].flatMap((group) => group.map((cell) => resultOf(cell, group, options))),
  };
}

function resultOf(cell: Cell, group: readonly Cell[], options: ResultsOptions): Result {
  const { workload, peer, target, threads, node } = cell;
  const [rounds = []] = commonRounds([cell]);
  const total = rounds.length > 0 ? estimateMedian(rounds) : undefined;
  const paired = pair(cell, group);
  const net = paired === undefined ? undefined : estimateNet(paired);
  return {
    workload: workload.family,
    params: workload.params,
    target,
    node: node.version,
    threads,
    peer: peer.name,
    profile: peer.profile,
    opsPerSecond: total === undefined ? null : Math.round(1e9 / total.value),
    nsPerOp: total === undefined ? null : rounded(total.value),
    netNsPerOp: net === undefined ? null : rounded(net.value),
    spread: total === undefined ? null : rounded(relativeWidth(total)),
    rounds: cell.rounds.length,
    peakBytes: cell.peakBytes,
    liveBytes: cell.liveBytes,
    checksum: peer.keepsContents ? cell.checksum : null,
    netInterval: net === undefined ? null : [rounded(net.low), rounded(net.high)],
    ratio: ratioOf(cell, group, options),
    disturbed: cell.disturbed.size,
    operations: cell.operations,
    failure: cell.failure,
    timeline: cell.timeline,
  };
}

function ratioOf(cell: Cell, group: readonly Cell[], { baseline, widest }: ResultsOptions): Ratio | null {
  const base = group.find(({ peer }) => labelOf(peer) === baseline);
  if (base === undefined || base === cell || base.failure !== null || cell.failure !== null) return null;
  const nothing = nullOf(cell, group);
  if (nothing === undefined || nothing === base) return null;
  const [baseRounds = [], cellRounds = [], nullRounds = []] = commonRounds([base, cell, nothing]);
  if (cellRounds.length === 0) return null;
  const estimate = estimateRatio({ peer: baseRounds, nothing: nullRounds }, { peer: cellRounds, nothing: nullRounds });
  return { baseline, ...tellable(estimate, cellRounds.length, widest) };
}

function tellable(estimate: Estimate | undefined, rounds: number, widest: number): Omit<Ratio, "baseline"> {
  if (estimate === undefined) return { value: null, interval: null, roundsNeeded: null };
  const interval = [rounded(estimate.low), rounded(estimate.high)] as const;
  const width = relativeWidth(estimate);
  if (rounds < LEAST_ROUNDS) return { value: null, interval, roundsNeeded: LEAST_ROUNDS };
  if (width > widest) return { value: null, interval, roundsNeeded: roundsNeeded(rounds, width, widest) };
  return { value: rounded(estimate.value), interval, roundsNeeded: null };
}

/** The rounds of a cell beside the null allocator's; undefined for the null allocator, or where either is missing. */
function pair(cell: Cell, group: readonly Cell[]): PairedRounds | undefined {
  const nothing = nullOf(cell, group);
  if (nothing === undefined) return undefined;
  const [peer = [], nullRounds = []] = commonRounds([cell, nothing]);
  return peer.length === 0 ? undefined : { peer, nothing: nullRounds };
}

/** What the driver costs alone; undefined for the null allocator itself. */
function nullOf(cell: Cell, group: readonly Cell[]): Cell | undefined {
  return group.find(({ peer }) => peer.name === NULL_NAME && cell.peer.name !== NULL_NAME);
}

const NULL_NAME = "null";

/** Five significant digits: more would be noise. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : value;
}

export function describeHost(): Host {
  return {
    os: `${type()} ${release()}`,
    arch: process.arch,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    time: new Date().toISOString(),
  };
}
