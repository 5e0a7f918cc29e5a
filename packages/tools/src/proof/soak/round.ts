/**
 * One round of a soak: heaps one after the other, each in a process of its own, with a seed of its own; see protocol.ts.
 *
 * Those of even seeds are at low addresses, as programs have them, those of odd ones at the highest. Natively, where the system
 * says where, odd ones give memory back as soon as it is free.
 */

import { chmod } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { traitsOf, type Target } from "../../profile/target.js";
import { nodeVersion, THIS_NODE, type NodeVersion } from "../../lab/node-versions.js";
import { COMPILED } from "../../base/paths.js";
import type { Profile } from "../../profile/index.js";
import { PAGE_BYTES } from "../../lab/arena.js";
import { isNative, type SoakProgram } from "./program.js";
import {
  HEAP_BYTES,
  SHARE_BYTES,
  type Fault,
  type Figures,
  type Message,
  type SoakTarget,
  type WasmJob,
} from "./protocol.js";

/** A heap is soaked for so many operations: long enough to grow old, and then it grows anew. */
const HEAP_OPERATIONS = 1.25e7;
/** Seeds of heaps are those of their rounds, times this, and on. */
const SEEDS_OF_ROUND = 10_000;
/** The first major version of Node with 64-bit memories. */
const NODE_64 = "24";
/** Slots of all threads together, a power of two; each is half of the time taken. */
const SLOTS = 2 ** 15;
/** Where the heap begins behind the checker's tables, in bytes: what those take at most. */
const LOW_BASE = 2 ** 23;
const GIB = 2 ** 30;
/** A round without progress for so long hangs: no thread needs a fraction of it for an operation. */
const STALL_MS = 300_000;

const PROCESS = path.join(COMPILED, "proof", "soak", "process.js");

/** One row of the record. */
export interface Configuration {
  readonly target: SoakTarget;
  readonly profile: Profile;
  readonly threads: number;
}

export interface Round extends Configuration {
  readonly operations: number;
  readonly seed: number;
}

export interface Outcome {
  readonly node: string | null;
  /** Heaps that were soaked without a fault, and what was counted in them. */
  readonly heaps: number;
  readonly figures: Figures;
  readonly fault: Fault | null;
  /** How to run the heap of the fault again. */
  readonly reproduction: string;
}

/** The highest place for a heap; where addresses are wide, the one in which their upper half begins to count. */
function highBase(target: Target, { addressBits }: Profile): number {
  const bits = Math.min(traitsOf(target).addressBits, addressBits === "all" ? Number.POSITIVE_INFINITY : addressBits);
  return bits > 32 ? 4 * GIB - HEAP_BYTES / 2 : 2 ** bits - HEAP_BYTES;
}

/** Runs a round to its end, or to its first fault. Rejects when it is aborted, and when a program cannot be started. */
export async function runRound(round: Round, program: SoakProgram, signal?: AbortSignal): Promise<Outcome> {
  const node = await nodeFor(round.target);
  const heaps = Math.ceil(round.operations / HEAP_OPERATIONS);
  let figures: Figures = { operations: 0, refused: 0, received: 0, lives: 0, peakBytes: 0 };
  for (let n = 0; n < heaps; n++) {
    const heap: Round = {
      ...round,
      operations: Math.floor((round.operations * (n + 1)) / heaps) - Math.floor((round.operations * n) / heaps),
      seed: round.seed * SEEDS_OF_ROUND + n,
    };
    const command = isNative(round.target) ? await native(heap, program) : wasm(heap, program, node ?? THIS_NODE);
    const found = await converse(command, heap, signal);
    if (found.figures === null) {
      return {
        node: node?.version ?? null,
        heaps: n,
        fault: found.fault,
        figures,
        reproduction: reproductionOf(command),
      };
    }
    figures = add(figures, found.figures);
  }
  return { node: node?.version ?? null, heaps, fault: null, figures, reproduction: "" };
}

function add(a: Figures, b: Figures): Figures {
  return {
    operations: a.operations + b.operations,
    refused: a.refused + b.refused,
    received: a.received + b.received,
    lives: a.lives + b.lives,
    peakBytes: Math.max(a.peakBytes, b.peakBytes),
  };
}

/** What to type into a shell to run a process again. */
function reproductionOf({ file, args, environment }: Command): string {
  const set = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  return [...set, file, ...args.map((word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`))].join(" ");
}

/** The Node that runs a target; null where none does. */
async function nodeFor(target: SoakTarget): Promise<NodeVersion | null> {
  if (isNative(target)) return null;
  const wide = traitsOf(target as Target).pointerBits === 64;
  return wide && Number.parseInt(THIS_NODE.version) < Number(NODE_64) ? nodeVersion(NODE_64) : THIS_NODE;
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** What is set beside what this process has. */
  readonly environment: Readonly<Record<string, string>>;
}

function wasm(round: Round, { file }: SoakProgram, { execPath }: NodeVersion): Command {
  const { target, profile, threads, operations, seed } = round;
  const { shared, pointerBits } = traitsOf(target as Target);
  const base = seed % 2 === 1 ? highBase(target as Target, profile) : LOW_BASE;
  const job: WasmJob = {
    module: file,
    wide: pointerBits === 64,
    shared,
    threads,
    operations,
    seed,
    slots: slotsOf(threads),
    basePages: base / PAGE_BYTES,
    heapPages: HEAP_BYTES / PAGE_BYTES,
  };
  return { file: execPath, args: [PROCESS, JSON.stringify(job)], environment: {} };
}

async function native(round: Round, { file, library }: SoakProgram): Promise<Command> {
  await chmod(file, 0o755);
  const { threads, operations, seed } = round;
  const args = [threads, operations, seed, SHARE_BYTES, slotsOf(threads)].map(String);
  const environment = {
    ...(library === undefined ? {} : { LD_PRELOAD: library }),
    HAKMEM_LIMIT: String(HEAP_BYTES),
    ...(seed % 2 === 1 ? { HAKMEM_PURGE_DELAY: "0", HAKMEM_RETAIN_BYTES: "0", HAKMEM_RETAIN_COUNT: "0" } : {}),
  };
  return { file, args, environment };
}

/** A power of two for each thread. */
function slotsOf(threads: number): number {
  return 2 ** Math.floor(Math.log2(SLOTS / threads));
}

async function converse(
  { file, args, environment }: Command,
  { profile, target }: Round,
  cancelSignal?: AbortSignal,
): Promise<{ fault: Fault | null; figures: Figures | null }> {
  const child = execa(file, [...args], {
    env: environment,
    stdin: "ignore",
    buffer: { stdout: false },
    reject: false,
    ...(cancelSignal && { cancelSignal }),
  });
  let fault: Fault | null = null;
  let figures: Figures | null = null;
  let done = 0;
  const timer = setTimeout(() => {
    fault ??= { thread: 0, operation: done, message: `no progress for ${STALL_MS / 1000} s` };
    child.kill("SIGKILL");
  }, STALL_MS);
  try {
    for await (const line of child) {
      const message = JSON.parse(line) as Message;
      if ("fault" in message) fault ??= message.fault;
      else if ("result" in message) figures = message.result;
      else if (message.done > done) {
        done = message.done;
        timer.refresh();
      }
      // The program may run without the library, if that is not found.
      const loaded = "result" in message && isNative(target) ? message.result.profile : profile.name;
      if (loaded !== profile.name) fault ??= { thread: 0, operation: 0, message: `profile "${loaded}" was loaded` };
    }
  } finally {
    clearTimeout(timer);
  }
  const result = await child;
  const { exitCode, signal, stderr } = result;
  if (result.isCanceled || (exitCode === undefined && signal === undefined)) throw new Error(result.shortMessage);
  if (fault === null && (signal === "SIGINT" || signal === "SIGTERM"))
    throw new Error(`a process of the soak was ended by ${signal}`);
  if (fault === null && (exitCode !== 0 || figures === null))
    fault = { thread: 0, operation: done, message: `the process ended with ${signal ?? exitCode}` };
  const said = stderr.trim();
  if (fault !== null && said !== "") fault = { ...fault, message: [fault.message, said].filter(Boolean).join("\n") };
  return { fault, figures: fault === null ? figures : null };
}
