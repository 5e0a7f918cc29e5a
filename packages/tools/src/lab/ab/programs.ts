/** An experiment with whole programs: native builds of a baseline and of variants, loaded into the same programs in turn, and judged. */

import { alignColumns } from "../../base/columns.js";
import { buildNative } from "../../build/native.js";
import { THIS_NODE } from "../node-versions.js";
import { NATIVE } from "../programs/index.js";
import type { Program } from "../programs/program.js";
import { measureCases, type Series } from "../programs/suite.js";
import { preloadedToolchain, type Preload } from "../programs/toolchains.js";
import { describeHost } from "../results.js";
import type { Estimate } from "../statistics.js";
import type { Judged, JudgedVariant } from "./record.js";
import { combine, judgeProgram, percent, type ProgramVerdict, type Thresholds } from "./verdict.js";
import type { Variant } from "./variant.js";

export const PROGRAM_EXPERIMENT_VERSION = 1;

export interface ProgramExperimentOptions {
  readonly baseline: Variant;
  readonly variants: readonly Variant[];
  readonly programs: readonly Program[];
  readonly rounds: number;
  /** Whether instructions and misses of caches are counted, too, where they can be: it takes a hundred times as long as a round. */
  readonly counts: boolean;
  readonly thresholds: Thresholds;
  readonly signal: AbortSignal;
  readonly onStep?: (doing: string, done: number, total: number) => void;
}

/** Results as data, version 1, with the same promise as those of `hakmem bench`. */
export interface ProgramExperiment extends Judged {
  readonly version: typeof PROGRAM_EXPERIMENT_VERSION;
  /** Why programs could not be measured, by name. */
  readonly failures: Readonly<Record<string, string>>;
  readonly variants: readonly ProgramVariantResult[];
}

/** The verdict is null when no program was finished. */
export interface ProgramVariantResult extends JudgedVariant {
  /** The worst first. */
  readonly programs: readonly ProgramVerdict[];
}

const BASELINE = "baseline";

export async function runProgramExperiment(options: ProgramExperimentOptions): Promise<ProgramExperiment> {
  const { baseline, variants, programs, rounds, counts, thresholds, signal, onStep = () => {} } = options;
  const names = variants.map((_, index) => `variant-${index + 1}`);
  const preloads: Preload[] = [];
  for (const [index, variant] of [baseline, ...variants].entries()) {
    signal.throwIfAborted();
    onStep(`building ${variant.spec}`, 0, programs.length);
    preloads.push({ name: [BASELINE, ...names][index] ?? "", library: await libraryOf(variant) });
  }
  const toolchain = preloadedToolchain(preloads);
  const cases = programs.map((program) => ({ program, toolchain }));
  const { finished, failures } = await measureCases(cases, {
    rounds,
    counted: counts ? "caches" : "nothing",
    nameOf: ({ program }) => program.name,
    signal,
    onStep,
  });
  return {
    version: PROGRAM_EXPERIMENT_VERSION,
    host: describeHost(),
    node: THIS_NODE.version,
    incomplete: signal.aborted,
    rounds,
    thresholds,
    baseline: baseline.spec,
    failures,
    variants: variants.map(({ spec, commit }, index) => {
      const judged = finished.map(({ program, series }) =>
        judgeProgram(program.name, seriesOf(series, BASELINE), seriesOf(series, names[index] ?? ""), thresholds),
      );
      judged.sort((a, b) => keyOf(b) - keyOf(a));
      return { variant: spec, commit, verdict: judged.length === 0 ? null : combine(judged), programs: judged };
    }),
  };
}

async function libraryOf({ profile, overrides, sourceRoot }: Variant): Promise<string> {
  const { shared } = await buildNative({ profile, overrides, ...(sourceRoot === undefined ? {} : { sourceRoot }) });
  return shared;
}

function seriesOf(series: readonly Series[], name: string): Series {
  const found = series.find(({ allocator }) => allocator === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

/** What does not depend on the machine's load, where it is known. */
function keyOf({ instructions, time }: ProgramVerdict): number {
  return instructions ?? time.value;
}

export function formatProgramExperiment(experiment: ProgramExperiment): string {
  const { baseline, rounds, incomplete, thresholds, variants, failures } = experiment;
  const head = `baseline ${baseline}, ${NATIVE}, ${rounds} interleaved rounds${incomplete ? ", INCOMPLETE" : ""}`;
  const failed = Object.entries(failures).map(([name, why]) => `${name}: FAILED: ${why}`);
  const rule = `× is the variant over the baseline. A variant is adopted when a program certainly takes more than ${percent(thresholds.time)} less time, or
${percent(thresholds.instructions)} fewer instructions, and refused when one takes as much more, or ${percent(thresholds.memory)} more memory.`;
  return [head, ...variants.map(formatVariant), ...failed, rule].join("\n\n") + "\n";
}

function formatVariant({ variant, verdict, programs }: ProgramVariantResult): string {
  if (verdict === null) return `${variant}: FAILED: no program was finished`;
  const header = ["program", "time", "interval", "memory", "instructions", "D1 misses", "LL misses", ""];
  const rows = programs.map(({ program, time, memory, instructions, misses, verdict, reason }) => [
    program,
    `× ${time.value.toFixed(3)}`,
    intervalOf(time),
    ratio(memory, 2),
    ratio(instructions, 4),
    ratio(misses?.first, 3),
    ratio(misses?.last, 3),
    `${verdict}: ${reason}`,
  ]);
  return `${variant}: ${verdict.toUpperCase()}\n${alignColumns([header, ...rows])}`;
}

function intervalOf({ low, high }: Estimate): string {
  return `${low.toFixed(3)} to ${high.toFixed(3)}`;
}

function ratio(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined ? "-" : `× ${value.toFixed(digits)}`;
}
