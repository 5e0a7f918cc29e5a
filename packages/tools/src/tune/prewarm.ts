/** Whether a program gains by asking for blocks in advance (`malloc_prewarm`): a recording replayed on fresh heaps, with and without, in turn. */

import { estimateMedianRatio, type Estimate } from "../lab/statistics.js";
import type { Input } from "./inputs.js";
import { meanRatio } from "./judge.js";
import { ReplayHeap } from "./committed.js";

/** Blocks of a size that are asked for in advance. */
export interface PrewarmCall {
  readonly size: number;
  readonly count: number;
}

export interface Prewarm {
  readonly calls: readonly PrewarmCall[];
  /** Time of the recording's calls over the same without, the calls in advance not counted; the recording that gains most. */
  readonly after: Estimate;
  /** The same with the calls in advance. */
  readonly whole: Estimate;
  /** Committed bytes over those without; geometric mean. */
  readonly memory: number;
  /** Whether all of it takes less time, and no more memory. */
  readonly pays: boolean;
}

/** Sizes with the most blocks in use at once. */
const CALLS = 4;
const ROUNDS = 31;
/** Before that the engine compiles. */
const WARM_UPS = 5;

/** What the recordings of the most blocks at once would ask for, and what comes of it; undefined where they ask for no small ones. */
export function measurePrewarm(module: WebAssembly.Module, inputs: readonly Input[]): Prewarm | undefined {
  const calls = callsFor(inputs);
  if (calls.length === 0) return undefined;
  const all = inputs.map((input) => measureOne(module, input, calls));
  const best = all.reduce((a, b) => (b.after.value < a.after.value ? b : a));
  const memory = meanRatio(all.map((each) => each.memory));
  return {
    calls,
    after: best.after,
    whole: best.whole,
    memory,
    pays: memory <= 1 && all.every(({ whole }) => whole.high < 1),
  };
}

/** As few as every recording has in use at its peak. */
function callsFor(inputs: readonly Input[]): PrewarmCall[] {
  const counts = new Map<number, number[]>();
  for (const { histogram } of inputs)
    for (const { size, atPeak } of histogram.sizes)
      if (size <= MOST_BYTES) counts.set(size, [...(counts.get(size) ?? []), atPeak]);
  return [...counts]
    .filter(([, each]) => each.length === inputs.length)
    .map(([size, each]) => ({ size, count: Math.min(...each) }))
    .filter(({ count }) => count >= LEAST_BLOCKS)
    .sort((a, b) => b.count - a.count)
    .slice(0, CALLS);
}

/** Larger blocks have no slabs. */
const MOST_BYTES = 4096;
/** A refill brings as many by itself. */
const LEAST_BLOCKS = 64;

interface One {
  readonly after: Estimate;
  readonly whole: Estimate;
  readonly memory: number;
}

function measureOne(module: WebAssembly.Module, { trace }: Input, calls: readonly PrewarmCall[]): One {
  const visit = (prewarmed: boolean): { readonly prewarm: number; readonly replay: number; readonly bytes: number } => {
    const heap = new ReplayHeap(module);
    const begin = process.hrtime.bigint();
    if (prewarmed) for (const { size, count } of calls) heap.exports.malloc_prewarm(size, count);
    const ready = process.hrtime.bigint();
    heap.replay(trace);
    const end = process.hrtime.bigint();
    return { prewarm: Number(ready - begin), replay: Number(end - ready), bytes: heap.committedBytes };
  };
  for (let i = 0; i < WARM_UPS; i++) visit(i % 2 === 0);
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const first = visit(round % 2 === 0);
    const second = visit(round % 2 !== 0);
    return round % 2 === 0 ? { with: first, without: second } : { with: second, without: first };
  });
  const without = rounds.map((round) => round.without.replay);
  const [first] = rounds;
  return {
    after: estimateMedianRatio(
      rounds.map((round) => round.with.replay),
      without,
    ),
    whole: estimateMedianRatio(
      rounds.map((round) => round.with.replay + round.with.prewarm),
      without,
    ),
    memory: first === undefined ? 1 : first.with.bytes / first.without.bytes,
  };
}
