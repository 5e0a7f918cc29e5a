/** Where hakmem stands in whole programs: beside the best of the others, and the worst row first. */

import { alignColumns } from "../../base/columns.js";
import { describeHost, type Host } from "../results.js";
import { estimateMedian, estimateMedianRatio, type Estimate } from "../statistics.js";
import type { Series } from "./suite.js";
import { OURS } from "./toolchains.js";

export const PROGRAM_RESULTS_VERSION = 1;

/** Results as data, version 1: fields may be added, none changes its meaning. Documented in docs/benchmarks.md. */
export interface ProgramResults {
  readonly version: typeof PROGRAM_RESULTS_VERSION;
  readonly host: Host;
  /** Whether the run was interrupted; the programs that are here were finished. */
  readonly incomplete: boolean;
  readonly rounds: number;
  /** Why programs could not be measured, by name and target. */
  readonly failures: Readonly<Record<string, string>>;
  readonly programs: readonly ProgramResult[];
}

export interface ProgramResult {
  readonly program: string;
  readonly title: string;
  /** Where it runs: `native`, or the toolchain that made it WebAssembly. */
  readonly target: string;
  readonly threads: number;
  readonly series: readonly Series[];
  /** By what is measured: hakmem over the best of the others; below 1 it is the best. */
  readonly distances: Readonly<Partial<Record<Measure, Distance>>>;
}

/** `bytes`: see {@link Series}; `first` and `last`: misses of data in the first-level and the last-level cache. */
export type Measure = "time" | "bytes" | "instructions" | "first" | "last";

export interface Distance {
  readonly peer: string;
  readonly value: number;
  /** The 95 % interval of a time of enough rounds; nothing else has one. */
  readonly interval?: readonly [number, number];
}

/** Of fewer, no interval holds the true median with a probability of 95 %: all of them are beyond it once in 2^(n - 1). */
const SURE_ROUNDS = 6;

const FIGURES: Readonly<Record<Exclude<Measure, "time">, (series: Series) => number | undefined>> = {
  bytes: ({ bytes }) => bytes ?? undefined,
  instructions: ({ instructions }) => instructions,
  first: ({ misses }) => misses?.first,
  last: ({ misses }) => misses?.last,
};

export function standingOf(
  about: Pick<ProgramResult, "program" | "title" | "target" | "threads">,
  series: readonly Series[],
): ProgramResult {
  const ours = series.find(({ allocator }) => allocator === OURS);
  const others = series.filter((each) => each !== ours);
  const distances: Partial<Record<Measure, Distance>> = {};
  if (ours !== undefined && others.length > 0) {
    distances.time = farthest(others, (other) => {
      const { value, low, high } = estimateMedianRatio(ours.ms, other.ms);
      return ours.ms.length < SURE_ROUNDS ? { value } : { value, interval: [low, high] };
    });
    for (const [name, figure] of Object.entries(FIGURES) as [keyof typeof FIGURES, (series: Series) => number][]) {
      const own = figure(ours);
      const known = others.filter((other) => figure(other) !== undefined);
      if (own === undefined || known.length === 0) continue;
      distances[name] = farthest(known, (other) => ({ value: own / figure(other) }));
    }
  }
  return { ...about, series, distances };
}

/** The one of the others that hakmem is farthest from. */
function farthest(others: readonly Series[], distanceTo: (other: Series) => Omit<Distance, "peer">): Distance {
  const [first, ...rest] = others.map((other): Distance => ({ peer: other.allocator, ...distanceTo(other) }));
  return rest.reduce((most, each) => (each.value > most.value ? each : most), first as Distance);
}

export function programResultsOf(
  programs: readonly ProgramResult[],
  about: Pick<ProgramResults, "failures" | "rounds" | "incomplete">,
): ProgramResults {
  const sorted = [...programs].sort((a, b) => keyOf(b) - keyOf(a));
  return { version: PROGRAM_RESULTS_VERSION, host: describeHost(), ...about, programs: sorted };
}

/** What does not depend on the machine's load, where it is known. */
function keyOf({ distances }: ProgramResult): number {
  return (distances.instructions ?? distances.time)?.value ?? 0;
}

export function formatProgramResults({ host, rounds, incomplete, programs, failures }: ProgramResults): string {
  const head = `${host.cpu}, ${host.cores} cores, ${host.os}; ${rounds} interleaved rounds${incomplete ? ", INCOMPLETE" : ""}; the farthest from the best first`;
  const columns = [
    "program",
    "allocator",
    "ms",
    "× time",
    "MiB",
    "× memory",
    "M instr.",
    "× instr.",
    "k D1 misses",
    "k LL misses",
    "",
  ];
  const rows = programs.flatMap(({ title, target, series }) => {
    const ours = series.find(({ allocator }) => allocator === OURS);
    return series.map((each, n) => rowOf(n === 0 ? `${title}, ${target}` : "", each, ours));
  });
  const failed = Object.entries(failures).map(([name, why]) => `${name}: FAILED: ${why}`);
  const note = "× is the allocator over hakmem: below 1 it takes less.";
  return `${[head, alignColumns([columns, ...rows]), ...failed, note].join("\n")}\n`;
}

function timeOf({ value, low, high }: Estimate, rounds: number): string {
  return value.toFixed(2) + (rounds < SURE_ROUNDS ? "" : ` (${low.toFixed(2)} to ${high.toFixed(2)})`);
}

function rowOf(name: string, each: Series, ours: Series | undefined): string[] {
  const { allocator, ms, bytes, instructions, misses } = each;
  const time = ours === undefined || ours === each ? undefined : estimateMedianRatio(each.ms, ours.ms);
  const over = (value: number | null | undefined, own: number | null | undefined): string =>
    ours === each || value === null || value === undefined || !own ? "" : (value / own).toFixed(3);
  const scaled = (value: number | null | undefined, unit: number, digits: number): string =>
    value === null || value === undefined ? "-" : (value / unit).toFixed(digits);
  return [
    name,
    allocator,
    estimateMedian(ms).value.toFixed(0),
    time === undefined ? "" : timeOf(time, ms.length),
    scaled(bytes, 2 ** 20, 1),
    over(bytes, ours?.bytes),
    scaled(instructions, 1e6, 0),
    over(instructions, ours?.instructions),
    scaled(misses?.first, 1000, 0),
    scaled(misses?.last, 1000, 0),
    "",
  ];
}
