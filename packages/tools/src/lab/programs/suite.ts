/** Whole programs in turn, under each allocator of each toolchain, round by round. */

import { ExplainedError, MeasurementError, messageOf } from "../../base/errors.js";
import { withScratch } from "../../base/scratch.js";
import type { Program } from "./program.js";
import { Kit, type Toolchain } from "./toolchains.js";
import { count, visit, type Counts, type Run, type Visit } from "./visit.js";

/** A program by a toolchain. */
export interface Case {
  readonly program: Program;
  readonly toolchain: Toolchain;
}

/** What the rounds of a case took under one allocator. */
export interface Series extends Partial<Counts> {
  readonly allocator: string;
  readonly ms: readonly number[];
  /** Of a WebAssembly memory at the end, or resident at most of a native process, in bytes; the most of all rounds. */
  readonly bytes: number | null;
}

/** Whether what a case takes can be counted: it is the same each time, in one thread. */
export function isCountable({ program, toolchain }: Case): boolean {
  return program.threads === 1 && toolchain.usesWorkers !== true;
}

/** What is counted beside time and memory, in cases that are {@link isCountable}. */
export type Counted = "nothing" | "instructions" | "caches";

export interface SuiteOptions {
  /** 0: each runs once, to see that all say the same, and no time is taken. */
  readonly rounds: number;
  readonly counted: Counted;
  readonly onStep?: (step: string) => void;
  /** Between two runs it rejects when this is aborted. */
  readonly signal?: AbortSignal;
}

/** Builds a case and runs it for some rounds, the allocators in another order each time. Rejects when their output differs. */
export async function measureCase(each: Case, options: SuiteOptions): Promise<Series[]> {
  const { program, toolchain } = each;
  const { rounds, counted, onStep = () => {}, signal } = options;
  return withScratch("program", async (cwd) => {
    const kit = new Kit(toolchain, cwd);
    onStep("building");
    await kit.prepare();
    const { link, args, input } = await program.build(kit);
    const contestants: Contestant[] = [];
    for (const allocator of toolchain.allocators)
      contestants.push({ allocator, run: { command: await link(allocator), args, input, cwd }, visits: [] });
    let expected: string | undefined;
    // One more, which only warms the machine's caches.
    for (let round = -1; round < rounds; round++) {
      for (let n = 0; n < contestants.length; n++) {
        const { allocator, run, visits } = contestants[(n + Math.max(0, round)) % contestants.length] as Contestant;
        signal?.throwIfAborted();
        onStep(`${round < 0 ? "warming up" : `round ${round + 1} of ${rounds}`}, ${allocator}`);
        const one = await visit(run, toolchain.isNative);
        const what = `${program.name} by ${toolchain.name} with ${allocator}`;
        if (one.bytes === null) throw new MeasurementError(`${what} ended without saying how long it took`);
        expected ??= one.output;
        if (one.output !== expected)
          throw new MeasurementError(`${what} says something else than with ${contestants[0]?.allocator}`);
        if (round >= 0) visits.push(one);
      }
    }
    const isCounted = counted !== "nothing" && isCountable(each);
    const series: Series[] = [];
    for (const { allocator, run, visits } of contestants) {
      signal?.throwIfAborted();
      onStep(`counting, ${allocator}`);
      series.push({
        allocator,
        ms: visits.map(({ ms }) => ms),
        bytes: Math.max(...visits.map(({ bytes }) => bytes ?? 0)),
        ...(isCounted ? await count(run, counted === "caches") : {}),
      });
    }
    return series;
  });
}

interface Contestant {
  readonly allocator: string;
  readonly run: Run;
  readonly visits: Visit[];
}

export interface CasesOptions extends Omit<SuiteOptions, "onStep"> {
  /** What a case is called, in what is said of it. */
  readonly nameOf: (each: Case) => string;
  /** When it is aborted, what was finished is all that there is. */
  readonly signal: AbortSignal;
  readonly onStep: (doing: string, done: number, total: number) => void;
}

/** Cases that were measured, and why others could not be, by name. */
export interface MeasuredCases {
  readonly finished: readonly (Case & { readonly series: readonly Series[] })[];
  readonly failures: Readonly<Record<string, string>>;
}

/** Measures cases one after the other: one that fails is no reason not to measure the rest. */
export async function measureCases(cases: readonly Case[], options: CasesOptions): Promise<MeasuredCases> {
  const { nameOf, signal, onStep, ...rest } = options;
  const finished: (Case & { readonly series: readonly Series[] })[] = [];
  const failures: Record<string, string> = {};
  for (const [done, each] of cases.entries()) {
    if (signal.aborted) break;
    const show = (step: string): void => {
      onStep(`${nameOf(each)}: ${step}`, done, cases.length);
    };
    try {
      finished.push({ ...each, series: await measureCase(each, { ...rest, signal, onStep: show }) });
    } catch (error) {
      // An interrupt ends the program that is running, too.
      if (signal.aborted) break;
      if (!(error instanceof ExplainedError)) throw error;
      failures[nameOf(each)] = messageOf(error);
    }
  }
  return { finished, failures };
}
