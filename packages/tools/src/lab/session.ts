/**
 * A session measures a table of cells: workload × peer. Rounds are interleaved: each visits every cell once, all peers of a
 * workload one after another, so that whatever changes on the machine changes for all of them.
 */

import { messageOf } from "../base/errors.js";
import { groupBy } from "./group-by.js";
import type { MemoryPoint, Sample, SampleRequest } from "./measure/protocol.js";
import { Runner } from "./measure/runner.js";
import { linkedModule } from "./modules.js";
import type { NodeVersion } from "./node-versions.js";
import { labelOf, targetsOf, type Peer } from "./peers/peer.js";
import type { LabTarget } from "./target.js";
import type { Workload } from "./workloads.js";

export interface SessionOptions {
  readonly workloads: readonly Workload[];
  /** Available peers, the null allocators among them. */
  readonly peers: readonly Peer[];
  readonly targets: readonly LabTarget[];
  /** Numbers of threads for the workloads that have several. */
  readonly threads: readonly number[];
  readonly nodes: readonly NodeVersion[];
  readonly rounds: number;
  /** Timed runs of each visit; the visit counts as the fastest of them. */
  readonly runs: number;
  readonly quick: boolean;
  /** Start the measuring processes again for every round, so that their luck with addresses is drawn anew. */
  readonly freshProcesses: boolean;
  readonly timeline: boolean;
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** What is being done now. */
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

/** One workload on one peer, and what came of it. */
export interface Cell {
  readonly workload: Workload;
  readonly peer: Peer;
  readonly target: LabTarget;
  readonly threads: number;
  readonly node: NodeVersion;
  /** ns/op of each finished round. */
  readonly rounds: number[];
  operations: number;
  checksum: string | null;
  peakBytes: number | null;
  liveBytes: number | null;
  timeline: readonly MemoryPoint[];
  /** Numbers of the rounds that the machine disturbed from begin to end. */
  readonly disturbed: Set<number>;
  /** Why it could not be measured, or is not to be trusted. */
  failure: string | null;
}

export interface Session {
  readonly cells: readonly Cell[];
  /** Rounds that every cell which did not fail has finished. */
  readonly rounds: number;
  /** Whether it was interrupted before the rounds that were asked for. */
  readonly incomplete: boolean;
}

const QUICK_WARMUP = 20;
const WARMUP = 100;
/** So many times the runs that are wanted are tried to get them undisturbed. */
const MOST_TRIES = 3;
const TIMELINE_POINTS = 60;

/** Never rejects for a peer's fault: that is noted in its cells. */
export async function runSession(options: SessionOptions): Promise<Session> {
  const { signal, onProgress, rounds } = options;
  const cells = planCells(options);
  const total = cells.length * rounds;
  let done = 0;
  const report = (doing: string): void => onProgress?.({ doing, done, total });

  const modules = await linkModules(cells, signal, report);
  const runners = new Map<string, Runner>();
  const stopAll = (): void => {
    for (const runner of runners.values()) runner.stop();
    runners.clear();
  };
  signal?.addEventListener("abort", stopAll);

  const calibrations: Calibrations = new Map();
  let finished = 0;
  try {
    for (let round = 0; round < rounds && !isAborted(signal); round++) {
      for (const cell of interleave(cells, round)) {
        if (isAborted(signal)) break;
        report(`round ${round + 1} of ${rounds}, ${cell.workload.id}, ${labelOf(cell.peer)}`);
        if (cell.failure === null) {
          await visit(cell, round, modules, runnerFor(runners, cell, options), calibrations, options);
        }
        done++;
      }
      if (!isAborted(signal)) finished = round + 1;
      if (options.freshProcesses) stopAll();
    }
  } finally {
    signal?.removeEventListener("abort", stopAll);
    stopAll();
  }
  // A round that was broken off is some peers' only: it would compare different rounds.
  for (const cell of cells) cell.rounds.length = Math.min(cell.rounds.length, finished);
  judgeChecksums(cells);
  return { cells, rounds: finished, incomplete: finished < rounds };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Every combination that makes sense, peers of one workload together. */
export function planCells({ workloads, peers, targets, threads, nodes }: SessionOptions): Cell[] {
  const cells: Cell[] = [];
  for (const node of nodes) {
    for (const workload of workloads) {
      for (const target of targets) {
        if (!fits(workload, target)) continue;
        for (const count of workload.driver === "threads" ? threads.filter(workload.threads) : [1]) {
          const measured = peers.filter((peer) => targetsOf(peer).includes(target));
          cells.push(...measured.map((peer) => emptyCell({ workload, peer, target, threads: count, node })));
        }
      }
    }
  }
  return cells;
}

function fits({ driver }: Workload, target: LabTarget): boolean {
  switch (driver) {
    case "script":
      return target === "js";
    case "threads":
      return target === "wasm32-shared" || target === "native";
    case "single":
      return target !== "js";
  }
}

function emptyCell(key: Pick<Cell, "workload" | "peer" | "target" | "threads" | "node">): Cell {
  return {
    ...key,
    rounds: [],
    operations: 0,
    checksum: null,
    peakBytes: null,
    liveBytes: null,
    timeline: [],
    disturbed: new Set(),
    failure: null,
  };
}

/** Keeps the workloads' order, and begins each workload's peers with another one every round. */
function interleave(cells: readonly Cell[], round: number): Cell[] {
  const groups = groupBy(cells, groupOf);
  return [...groups.values()].flatMap((group) => {
    const shift = round % group.length;
    return [...group.slice(shift), ...group.slice(0, shift)];
  });
}

/** Cells of one group differ in the peer only, and are compared with each other. */
export function groupOf({ workload, target, threads, node }: Cell): string {
  return [node.version, workload.id, target, threads].join(" ");
}

/** Fastest calibration that was seen under each version of Node. */
type Calibrations = Map<string, number>;

type Modules = ReadonlyMap<string, string>;

async function linkModules(
  cells: readonly Cell[],
  signal: AbortSignal | undefined,
  report: (doing: string) => void,
): Promise<Modules> {
  const modules = new Map<string, string>();
  const failures = new Map<string, string>();
  for (const cell of cells) {
    const { peer, target } = cell;
    if (peer.kind !== "wasm" || isAborted(signal)) continue;
    const key = moduleKey(cell);
    if (!modules.has(key) && !failures.has(key)) {
      report(`building ${labelOf(peer)} for ${target}`);
      try {
        modules.set(key, await linkedModule(peer, target));
      } catch (error) {
        failures.set(key, `cannot be built: ${messageOf(error)}`);
      }
    }
    cell.failure = failures.get(key) ?? null;
  }
  return modules;
}

function moduleKey({ peer, target }: Cell): string {
  return `${labelOf(peer)} ${target}`;
}

/** One process a peer and version of Node, so that a crash is one peer's and code is specialised to one. */
function runnerFor(runners: Map<string, Runner>, { peer, node }: Cell, options: SessionOptions): Runner {
  const key = `${labelOf(peer)} ${peer.kind} ${node.version}`;
  let runner = runners.get(key);
  if (runner === undefined) {
    const { timeoutMilliseconds } = options;
    runner = new Runner({
      execPath: node.execPath,
      ...(timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds }),
    });
    runners.set(key, runner);
  }
  return runner;
}

async function visit(
  cell: Cell,
  round: number,
  modules: Modules,
  runner: Runner,
  calibrations: Calibrations,
  options: SessionOptions,
): Promise<void> {
  const { workload, peer, target, threads, node } = cell;
  const request: SampleRequest = {
    workload: workload.id,
    peer: peer.kind === "wasm" ? peer.measuredAs : labelOf(peer),
    target,
    threads,
    module: modules.get(moduleKey(cell)) ?? null,
    steps: options.quick ? workload.quickSteps : workload.steps,
    runs: options.runs,
    mostRuns: options.quick ? options.runs : MOST_TRIES * options.runs,
    calibration: calibrations.get(node.version) ?? null,
    warmupMilliseconds: options.quick ? QUICK_WARMUP : WARMUP,
    timelinePoints: options.timeline && round === 0 && workload.driver === "single" ? TIMELINE_POINTS : 0,
  };
  try {
    const sample = await (peer.kind === "external" ? peer.measure(request) : runner.measure(request));
    if (sample.calibration !== null) calibrations.set(node.version, sample.calibration);
    record(cell, sample);
  } catch (error) {
    if (!isAborted(options.signal)) cell.failure = messageOf(error);
  }
}

function record(
  cell: Cell,
  { operations, nanoseconds, disturbed, checksum, peakBytes, liveBytes, timeline }: Sample,
): void {
  if (cell.checksum !== null && cell.checksum !== checksum && cell.peer.keepsContents) {
    cell.failure = `wrong checksum: ${checksum} in round ${cell.rounds.length + 1}, ${cell.checksum} before`;
    return;
  }
  // Other programs only ever add time: the fastest run was disturbed least.
  cell.rounds.push(Math.min(...nanoseconds) / operations);
  if (disturbed) cell.disturbed.add(cell.rounds.length - 1);
  cell.operations = operations;
  cell.checksum = checksum;
  cell.peakBytes = maximum(cell.peakBytes, peakBytes);
  cell.liveBytes = maximum(cell.liveBytes, liveBytes);
  if (timeline.length > 0) cell.timeline = timeline;
}

function maximum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/**
 * Peers that did the same operations must have read back the same contents. The checksum that most of them found is taken for
 * right, a tie being decided by the order of peers; the others keep their figures, but are reported as wrong.
 */
export function judgeChecksums(cells: readonly Cell[]): void {
  for (const group of groupBy(cells, groupOf).values()) {
    const judged = group.filter(
      ({ peer, checksum, failure }) => peer.keepsContents && checksum !== null && failure === null,
    );
    const votes = groupBy(judged, ({ checksum }) => checksum);
    const [winner] = [...votes].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
    for (const cell of judged) {
      if (cell.checksum !== winner) cell.failure = `wrong checksum: ${cell.checksum}, others have ${winner}`;
    }
  }
}
