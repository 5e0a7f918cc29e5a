/** The table of whole programs, from the runs that are on record. */

import { markdownTable } from "markdown-table";
import type { Distance, ProgramResult } from "../../lab/programs/standing.js";
import { OURS } from "../../lab/programs/toolchains.js";
import type { ProgramRun, ProgramRuns } from "./program-runs.js";

const HEAD = ["program", "ms", "× best other", "MiB", "× mimalloc", "× glibc", "M instructions", "× best other"];
const MISSES = ["k misses, first level", "× best other"];

/** A row for each program: the farthest behind in time first. */
export function programTable(runs: ProgramRuns): string {
  const counted = new Map(runs["programs-counted"].programs.map((each) => [each.program, each]));
  const rows = [...runs.programs.programs]
    .sort((a, b) => (b.distances.time?.value ?? 0) - (a.distances.time?.value ?? 0))
    .map((timed) => [...timeOf(timed), ...memoryOf(timed), ...countsOf(counted.get(timed.program))]);
  const align = [...HEAD, ...MISSES].map((_, column) => (column === 0 ? "l" : "r"));
  return [
    [runs.programs, runs["programs-counted"]].map((run) => `- ${describe(run)}`).join("\n"),
    markdownTable([[...HEAD, ...MISSES], ...rows], { align }),
  ].join("\n\n");
}

const WASM_HEAD = ["program", "ms", "× best other", "MiB", "× leanest other", "M instructions", "× best other"];

/** The same for programs in WebAssembly, linked by Emscripten. */
export function wasmProgramTable(run: ProgramRun): string {
  const rows = [...run.programs]
    .sort((a, b) => (b.distances.time?.value ?? 0) - (a.distances.time?.value ?? 0))
    .map((each) => {
      const bytes = oursOf(each)?.bytes ?? null;
      const instructions = oursOf(each)?.instructions;
      return [
        ...timeOf(each),
        bytes === null ? "–" : (bytes / 2 ** 20).toFixed(1),
        times(each.distances.bytes),
        instructions === undefined ? "–" : (instructions / 1e6).toFixed(0),
        times(each.distances.instructions),
      ];
    });
  const align = WASM_HEAD.map((_, column) => (column === 0 ? "l" : "r"));
  return `${describe(run)}\n\n${markdownTable([WASM_HEAD, ...rows], { align })}`;
}

function describe({ host, command, rounds }: ProgramRun): string {
  const what =
    rounds === 1 ? "memory and what is counted" : `medians of ${rounds} interleaved rounds, and 95 % intervals`;
  return `${host.cpu}, ${host.cores} cores, ${host.os}, ${host.time.slice(0, 10)}; \`${command}\`: ${what}.`;
}

const oursOf = ({ series }: ProgramResult) => series.find(({ allocator }) => allocator === OURS);

const times = (distance: Distance | undefined): string => {
  if (distance === undefined) return "–";
  const { peer, value, interval } = distance;
  const range = interval === undefined ? "" : ` (${interval[0].toFixed(2)} to ${interval[1].toFixed(2)})`;
  return `${value.toFixed(interval === undefined ? 3 : 2)}${range} ${peer}`;
};

function timeOf(result: ProgramResult): string[] {
  const sorted = [...(oursOf(result)?.ms ?? [])].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  return [result.title, median === undefined ? "–" : median.toFixed(0), times(result.distances.time)];
}

function memoryOf(result: ProgramResult): string[] {
  const own = oursOf(result)?.bytes ?? null;
  const over = (name: string): string => {
    const bytes = result.series.find(({ allocator }) => allocator === name)?.bytes ?? null;
    return own === null || bytes === null ? "–" : (own / bytes).toFixed(2);
  };
  return [own === null ? "–" : (own / 2 ** 20).toFixed(1), over("mimalloc"), over("glibc")];
}

function countsOf(result: ProgramResult | undefined): string[] {
  const own = result === undefined ? undefined : oursOf(result);
  if (result === undefined || own?.instructions === undefined) return ["–", "–", "–", "–"];
  const misses = own.misses === undefined ? "–" : (own.misses.first / 1e3).toFixed(0);
  const { instructions, first } = result.distances;
  return [(own.instructions / 1e6).toFixed(0), times(instructions), misses, times(first)];
}
