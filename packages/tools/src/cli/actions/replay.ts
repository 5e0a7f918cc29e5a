/** What `hakmem replay` does. */

import { stat } from "node:fs/promises";
import * as path from "node:path";
import { alignColumns } from "../../base/columns.js";
import { RequestError, unknownName } from "../../base/errors.js";
import { checkOptionalOutput, writeOutput } from "../../base/output.js";
import { abortOnInterrupt, withScratch } from "../../base/scratch.js";
import { THIS_NODE } from "../../lab/node-versions.js";
import { allPeers, selectPeers } from "../../lab/peers/index.js";
import { CEILING } from "../../lab/peers/hakmem.js";
import { labelOf, targetsOf, type Peer } from "../../lab/peers/peer.js";
import { withProgress } from "../../lab/progress.js";
import { readRecording, recordingWorkload, traceOf } from "../../lab/recordings.js";
import { resultsOf, type Results } from "../../lab/results.js";
import { runSession } from "../../lab/session.js";
import { formatResults } from "../../lab/table.js";
import type { LabTarget } from "../../lab/target.js";
import { convertRecording } from "../../observe/recording/convert.js";
import type { Recording } from "../../observe/recording/format.js";
import { histogramsOf, type Bin } from "../../observe/recording/histograms.js";
import { isRawRecording } from "../../observe/recording/raw.js";
import { exitCodeOf } from "../exit-code.js";
import { EXIT, type CommonOptions } from "../command.js";

export interface ReplayOptions extends CommonOptions {
  readonly target?: readonly string[];
  readonly peer?: readonly string[];
  readonly rounds?: number;
  readonly events?: number;
  readonly json?: string | true;
  readonly info: boolean;
}

/** How many events there is room for: in WebAssembly, in the driver's arena. */
const MOST_EVENTS = { native: 4_000_000, wasm32: 300_000 } as const;
type ReplayTarget = keyof typeof MOST_EVENTS;
const TARGETS: readonly LabTarget[] = ["native", "wasm32"] satisfies ReplayTarget[];
const ROUNDS = 5;
const RUNS = 2;
const TIMEOUT_MS = 600_000;

export async function replay(file: string, options: ReplayOptions): Promise<void> {
  await checkOptionalOutput("--json", options.json);
  const targets = (options.target ?? TARGETS).map(targetOf);
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw new RequestError(`there is no file ${file}`);
  if (!isRawRecording(file)) return replayFile(file, targets, options);
  // What `hakmem record` left when it was killed.
  await withScratch("replay", async (directory) => {
    const output = path.join(directory, `${path.basename(file)}.hkt`);
    convertRecording({ raw: file, output, program: "unknown" });
    await replayFile(output, targets, options);
  });
}

async function replayFile(file: string, targets: readonly ReplayTarget[], options: ReplayOptions): Promise<void> {
  const recording = await readRecording(file);
  if (options.info) return printInfo(recording, options);
  if (recording.head.events === 0) throw new RequestError(`${file} has no events`);
  const everyone = (await allPeers()).filter((peer) =>
    targetsOf(peer).some((each) => targets.includes(each as ReplayTarget)),
  );
  const usual = [...new Set(everyone.map(labelOf))].filter((label) => label !== "hakmem:guard" && label !== CEILING);
  const peers = await installed(selectPeers(everyone, [...(options.peer ?? usual)]));
  const signal = abortOnInterrupt();
  const all: Results[] = [];
  for (const target of targets) {
    const results = await replayOn(target, { file, recording, peers, signal }, options);
    if (results === undefined) continue;
    all.push(results);
    if (options.json !== true) console.log(formatResults(results));
  }
  if (all.length === 0) throw new RequestError("none of these allocators is one for these targets");
  const text = JSON.stringify({ recording: recording.head, targets: all }, null, 2);
  if (options.json === true) console.log(text);
  else if (options.json !== undefined) await writeOutput(options.json, `${text}\n`);
  process.exitCode = all.map(exitCodeOf).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

interface Job {
  readonly file: string;
  readonly recording: Recording;
  readonly peers: readonly Peer[];
  readonly signal: AbortSignal;
}

async function replayOn(target: ReplayTarget, job: Job, options: ReplayOptions): Promise<Results | undefined> {
  const { file, recording, peers, signal } = job;
  const own = peers.filter((peer) => targetsOf(peer).includes(target));
  if (own.length === 0) return undefined;
  const most = Math.min(MOST_EVENTS[target], options.events ?? MOST_EVENTS[target]);
  const trace = traceOf(recording, most);
  const events = trace.events.length / 2;
  if (events < recording.head.events && !options.quiet)
    console.error(`${target}: ${events} of ${recording.head.events} events, those of a share of all blocks`);
  const session = await withProgress(options, (onProgress) =>
    runSession({
      workloads: [recordingWorkload(file, most, trace)],
      peers: own,
      targets: [target],
      threads: [1],
      nodes: [THIS_NODE],
      rounds: options.rounds ?? ROUNDS,
      runs: RUNS,
      quick: false,
      freshProcesses: true,
      timeline: false,
      timeoutMilliseconds: TIMEOUT_MS,
      signal,
      onProgress,
    }),
  );
  return resultsOf(session, { baseline: "hakmem", widest: 0.5 });
}

function targetOf(name: string): ReplayTarget {
  if (name === "native" || name === "wasm32") return name;
  throw unknownName("target", name, TARGETS);
}

async function installed(peers: readonly Peer[]): Promise<Peer[]> {
  const states = await Promise.all(peers.map(async (peer) => ({ peer, missing: await peer.missing() })));
  return states.filter(({ missing }) => missing === undefined).map(({ peer }) => peer);
}

async function printInfo(recording: Recording, { json }: ReplayOptions): Promise<void> {
  const { head } = recording;
  const { events, sizes, lifetimes } = histogramsOf(recording);
  if (json !== undefined) {
    const text = JSON.stringify({ ...head, sizes, lifetimes }, null, 2);
    if (typeof json === "string") await writeOutput(json, `${text}\n`);
    else console.log(text);
    return;
  }
  const rows = [
    ["program", head.program],
    ["events", `${events}${head.sampledFrom > 1 ? `, of one in ${head.sampledFrom.toFixed(1)} blocks` : ""}`],
    ["threads", String(head.threads)],
    ["seconds", (head.duration / 1e9).toFixed(3)],
    ["blocks at once", String(head.slots)],
    ["bytes at once", String(head.peakBytes)],
  ];
  console.log(alignColumns(rows));
  console.log(`\n${histogram("bytes asked for, from", sizes, (bytes) => String(bytes))}`);
  if (lifetimes.length > 0) console.log(`\n${histogram("blocks lived, from", lifetimes, nanoseconds)}`);
}

const BAR = 40;

function histogram(title: string, bins: readonly Bin[], show: (from: number) => string): string {
  const most = bins.reduce((largest, { blocks }) => Math.max(largest, blocks), 1);
  const rows = bins.map(({ from, blocks }) => [
    show(from),
    String(blocks),
    "█".repeat(Math.ceil((blocks / most) * BAR)),
  ]);
  return alignColumns([[title, "blocks", ""], ...rows]);
}

function nanoseconds(time: number): string {
  const [unit, divisor] = time < 1e3 ? ["ns", 1] : time < 1e6 ? ["µs", 1e3] : time < 1e9 ? ["ms", 1e6] : ["s", 1e9];
  return `${(time / Number(divisor)).toFixed(divisor === 1 ? 0 : 1)} ${unit}`;
}
