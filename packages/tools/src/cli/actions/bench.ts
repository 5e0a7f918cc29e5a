/** What `hakmem bench` does. */

import { availableParallelism } from "node:os";
import { alignColumns } from "../../base/columns.js";
import { RequestError, unknownName } from "../../base/errors.js";
import { checkOutputFile, writeOutput } from "../../base/output.js";
import { nodeVersion, THIS_NODE } from "../../lab/node-versions.js";
import { allPeers, selectPeers } from "../../lab/peers/index.js";
import { CEILING } from "../../lab/peers/hakmem.js";
import { labelOf, targetsOf, type Peer } from "../../lab/peers/peer.js";
import type { LabTarget } from "../../lab/target.js";
import { withProgress } from "../../lab/progress.js";
import { QUICK_ROUNDS, ROUNDS } from "../../lab/defaults.js";
import { targetsOfProgram, WHOLE_PROGRAMS } from "../../lab/programs/index.js";
import { resultsOf, type Results } from "../../lab/results.js";
import { runSession } from "../../lab/session.js";
import { formatResults } from "../../lab/table.js";
import { selectWorkloads, WORKLOADS, type Workload } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../base/scratch.js";
import { exitCodeOf } from "../exit-code.js";
import type { CommonOptions } from "../command.js";

export interface BenchOptions extends CommonOptions {
  /** Whole programs instead of workloads: true for all of them. */
  readonly programs?: readonly string[] | true;
  readonly workload?: readonly string[];
  readonly peer?: readonly string[];
  readonly target?: readonly string[];
  readonly threads?: readonly string[];
  readonly node?: readonly string[];
  readonly rounds?: number;
  readonly runs: number;
  readonly quick: boolean;
  readonly baseline: string;
  readonly widest: number;
  readonly ceiling: boolean;
  readonly timeout: number;
  readonly json?: string | true;
  readonly report?: string;
  readonly setup: boolean;
  readonly list: boolean;
}

const MOST_THREADS = 64;

export async function bench(options: BenchOptions): Promise<void> {
  for (const file of [options.json, options.report]) if (typeof file === "string") await checkOutputFile(file);
  const everyone = await allPeers();
  if (options.list) return printList(everyone, options);
  if (options.setup) return printSetup(everyone);

  const workloads = options.workload === undefined ? defaultWorkloads() : selectWorkloads(options.workload);
  const targets = options.target?.map(parseTarget) ?? defaultTargets(workloads, options.threads !== undefined);
  const chosen = choosePeers(everyone, options).filter((peer) =>
    targetsOf(peer).some((target) => targets.includes(target)),
  );
  checkFit(everyone, options.peer ?? [], targets);
  const peers = await availablePeers(chosen, options.peer !== undefined);
  const nodes = options.node === undefined ? [THIS_NODE] : await Promise.all(options.node.map(nodeVersion));
  const threads = options.threads?.map(parseThreads) ?? defaultThreads();

  const signal = abortOnInterrupt();
  const session = await withProgress(options, (onProgress) =>
    runSession({
      workloads,
      peers,
      targets,
      threads,
      nodes,
      rounds: options.rounds ?? (options.quick ? QUICK_ROUNDS : ROUNDS),
      runs: options.runs,
      quick: options.quick,
      freshProcesses: !options.quick,
      timeline: options.report !== undefined,
      timeoutMilliseconds: options.timeout * 1000,
      signal,
      onProgress,
    }),
  );
  if (session.cells.length === 0) {
    throw new RequestError(
      "none of the workloads can be run with these targets, threads and peers; see hakmem bench --list",
    );
  }
  const results = resultsOf(session, { baseline: options.baseline, widest: options.widest });
  await print(results, options);
  process.exitCode = exitCodeOf(results);
}

/** What makes sense without further thought: in WebAssembly, one thread. */
function defaultWorkloads(): Workload[] {
  return WORKLOADS.filter(({ driver }) => driver === "single");
}

function defaultTargets(workloads: readonly Workload[], threadsAsked: boolean): LabTarget[] {
  const targets = new Set<LabTarget>();
  for (const { driver } of workloads) {
    if (driver === "script") targets.add("js");
    else targets.add(driver === "threads" || threadsAsked ? "wasm32-shared" : "wasm32");
  }
  return [...targets];
}

function choosePeers(everyone: readonly Peer[], { peer, ceiling, baseline }: BenchOptions): Peer[] {
  const labels = [...new Set(everyone.map(labelOf))];
  if (!labels.includes(baseline)) throw unknownName("baseline", baseline, labels);
  // The guard profile trades speed for checks, and the ceiling is no allocator: they are measured when asked for.
  const usual = labels.filter((label) => label !== "hakmem:guard" && label !== CEILING);
  return selectPeers(everyone, [...(peer ?? usual), ...(ceiling ? [CEILING, "hakmem"] : [])]);
}

/** A peer that was asked for by name must be one that can be measured. */
function checkFit(everyone: readonly Peer[], names: readonly string[], targets: readonly LabTarget[]): void {
  for (const name of names) {
    const own = everyone.filter((peer) => labelOf(peer) === name || peer.name === name).flatMap(targetsOf);
    if (own.some((target) => targets.includes(target))) continue;
    throw new RequestError(
      `${name} does not run on ${targets.join(", ")}; choose --target ${[...new Set(own)].join(",")}, or workloads for it`,
    );
  }
}

/** Drops peers that are not installed, and says so; one that was asked for by name is an error. */
async function availablePeers(peers: readonly Peer[], isExplicit: boolean): Promise<Peer[]> {
  const available: Peer[] = [];
  for (const peer of peers) {
    const missing = await peer.missing();
    if (missing === undefined) available.push(peer);
    else if (isExplicit) throw new RequestError(`${labelOf(peer)} is not installed; ${missing}`);
    else
      console.error(`${labelOf(peer)} is not installed and is left out; hakmem bench --setup says how to install it`);
  }
  return available;
}

const TARGETS: readonly LabTarget[] = ["wasm32", "wasm32-shared", "js", "native"];

function parseTarget(name: string): LabTarget {
  const target = TARGETS.find((candidate) => candidate === name);
  if (target === undefined) throw unknownName("target", name, TARGETS);
  return target;
}

function parseThreads(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS) {
    throw new RequestError(`--threads is "${text}"; it must be whole numbers from 1 to ${MOST_THREADS}`);
  }
  return count;
}

function defaultThreads(): number[] {
  return Array.from({ length: availableParallelism() }, (_, index) => index + 1);
}

async function print(results: Results, { json, report }: BenchOptions): Promise<void> {
  const text = JSON.stringify(results, null, 2);
  if (json === true) console.log(text);
  else console.log(formatResults(results));
  if (typeof json === "string") await writeOutput(json, `${text}\n`);
  if (report !== undefined) {
    const { renderReport } = await import("../../lab/report/report.js");
    await writeOutput(report, await renderReport(results));
  }
}

async function printSetup(peers: readonly Peer[]): Promise<void> {
  const states = await Promise.all(
    peers.map(async (peer) => ({ label: labelOf(peer), missing: await peer.missing() })),
  );
  const missing = new Map(
    states.flatMap(({ label, missing }) => (missing === undefined ? [] : [[label, missing] as const])),
  );
  if (missing.size === 0) console.log("All peers are installed.");
  for (const [label, how] of missing) console.log(`${label}: ${how}`);
}

function printList(peers: readonly Peer[], { programs }: BenchOptions): void {
  if (programs !== undefined) return printPrograms();
  console.log("Workloads");
  console.log(alignColumns(WORKLOADS.map(({ id, driver }) => [id, DRIVERS[driver]])));
  console.log("\nPeers");
  console.log(
    alignColumns(peers.map((peer) => [labelOf(peer), `${peer.description} (${targetsOf(peer).join(", ")})`])),
  );
  console.log("\nWhole programs, with --programs");
  printPrograms();
}

function printPrograms(): void {
  console.log(
    alignColumns(
      WHOLE_PROGRAMS.map((program) => [
        program.name,
        `${program.title}: ${program.description} (${targetsOfProgram(program).join(", ")})`,
      ]),
    ),
  );
}

const DRIVERS = {
  single: "one thread, in WebAssembly",
  threads: "several threads, in WebAssembly",
  script: "one thread, called from JavaScript",
} as const;
