/** One round of a soak: a fresh heap in a process of its own, a seed, and so many operations; see protocol.ts. */

import { spawn } from "node:child_process";
import { chmod } from "node:fs/promises";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { traitsOf, type Target } from "../../build/target.js";
import { nodeVersion, THIS_NODE, type NodeVersion } from "../../lab/node-versions.js";
import { PACKAGE_ROOT } from "../../lab/paths.js";
import { preloading } from "../../native/allocators.js";
import type { Profile } from "../../profile/index.js";
import { PAGE } from "./instance.js";
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

/** The first major version of Node with 64-bit memories. */
const NODE_64 = "24";
/** Slots of all threads together, a power of two; each is half of the time taken. */
const SLOTS = 2 ** 15;
/** Where the heap begins behind the checker's tables, in bytes: what those take at most. */
const LOW_BASE = 2 ** 23;
const GIB = 2 ** 30;
/** A round without progress for so long hangs: no thread needs a fraction of it for an operation. */
const STALL_MS = 300_000;

const PROCESS = path.join(PACKAGE_ROOT, "dist", "proof", "soak", "process.js");

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
  readonly fault: Fault | null;
  readonly figures: Figures | null;
}

/** Where a round has its heap, or what else it has of its own: every other seed differs, so that a soak has both. */
export function placeOf({ target, profile, seed }: Omit<Round, "threads" | "operations">): string {
  const odd = seed % 2 === 1;
  if (isNative(target)) return odd ? "memory goes back at once" : "as it is";
  if (!odd) return "low addresses";
  return highBase(target as Target, profile) + HEAP_BYTES === 4 * GIB ? "up to 4 GiB" : describe(target, profile);
}

function describe(target: SoakTarget, profile: Profile): string {
  const base = highBase(target as Target, profile);
  return base < 4 * GIB && base + HEAP_BYTES > 4 * GIB ? "across 4 GiB" : `up to ${(base + HEAP_BYTES) / GIB} GiB`;
}

/** The highest place for a heap; where addresses are wide, the one in which their upper half begins to count. */
function highBase(target: Target, { addressBits }: Profile): number {
  const bits = Math.min(traitsOf(target).addressBits, addressBits === "all" ? Number.POSITIVE_INFINITY : addressBits);
  return bits > 32 ? 4 * GIB - HEAP_BYTES / 2 : 2 ** bits - HEAP_BYTES;
}

/** Runs a round to its end, or to its first fault. Rejects when it is aborted, and when the program cannot be made. */
export async function runRound(round: Round, program: SoakProgram, signal?: AbortSignal): Promise<Outcome> {
  const node = await nodeFor(round.target);
  const messages = isNative(round.target) ? native(round, program) : wasm(round, program, node ?? THIS_NODE);
  return { node: node?.version ?? null, ...(await converse(await messages, round, signal)) };
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
  readonly environment: NodeJS.ProcessEnv;
}

function wasm(round: Round, { file }: SoakProgram, { execPath }: NodeVersion): Promise<Command> {
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
    basePages: base / PAGE,
    heapPages: HEAP_BYTES / PAGE,
  };
  return Promise.resolve({ file: execPath, args: [PROCESS, JSON.stringify(job)], environment: process.env });
}

async function native(round: Round, { file, library }: SoakProgram): Promise<Command> {
  await chmod(file, 0o755);
  const { threads, operations, seed } = round;
  const args = [threads, operations, seed, SHARE_BYTES, slotsOf(threads)].map(String);
  const environment = {
    ...preloading(library),
    HAKMEM_LIMIT: String(HEAP_BYTES),
    ...(seed % 2 === 1 ? { HAKMEM_PURGE_DELAY: "0", HAKMEM_RETAIN_BYTES: "0", HAKMEM_RETAIN_COUNT: "0" } : {}),
  };
  return { file, args, environment };
}

/** A power of two for each thread. */
function slotsOf(threads: number): number {
  return 2 ** Math.floor(Math.log2(SLOTS / threads));
}

function converse(
  { file, args, environment }: Command,
  { profile, target }: Round,
  signal?: AbortSignal,
): Promise<Pick<Outcome, "fault" | "figures">> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      ...(signal ? { signal } : {}),
    });
    const errors: Buffer[] = [];
    let fault: Fault | null = null;
    let figures: Figures | null = null;
    let done = 0;
    const stalled = (): void => {
      fault ??= { thread: 0, operation: done, message: `no progress for ${STALL_MS / 1000} s` };
      child.kill("SIGKILL");
    };
    let timer = setTimeout(stalled, STALL_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as Message;
      if ("fault" in message) fault ??= message.fault;
      else if ("result" in message) figures = message.result;
      else if (message.done > done) {
        done = message.done;
        clearTimeout(timer);
        timer = setTimeout(stalled, STALL_MS);
      }
      // The program may run without the library, if that is not found.
      const loaded = "result" in message && isNative(target) ? message.result.profile : profile.name;
      if (loaded !== profile.name) fault ??= { thread: 0, operation: 0, message: `profile "${loaded}" was loaded` };
    });
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, killed) => {
      clearTimeout(timer);
      const said = Buffer.concat(errors).toString().trim();
      if (fault === null && (code !== 0 || figures === null)) {
        fault = { thread: 0, operation: done, message: `the process ended with ${killed ?? code}` };
      }
      if (fault !== null && said !== "")
        fault = { ...fault, message: [fault.message, said].filter(Boolean).join("\n") };
      resolve({ fault, figures: fault === null ? figures : null });
    });
  });
}
