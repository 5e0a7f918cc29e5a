/** What `hakmem run` does. */

import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { cachedFile } from "../../base/cache.js";
import { fingerprint } from "../../base/fingerprint.js";
import { buildNative } from "../../build/native.js";
import { ExplainedError, RequestError } from "../../base/errors.js";
import { loadProfile } from "../../profile/index.js";
import { findPeer, NATIVE_PEERS, preloading, type NativePeer } from "../../run/allocators.js";
import type { CommonOptions } from "../command.js";

export interface RunOptions extends CommonOptions {
  /** `default` unless given. */
  readonly profile?: string;
  readonly stats: boolean;
  /** Name of one of `NATIVE_PEERS`. */
  readonly peer?: string;
}

/** Why a program cannot be started, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such program",
  ENOTDIR: "no such program",
  ERR_INVALID_ARG_VALUE: "no name of a program",
  EACCES: "permission denied",
};

const SEPARATORS = /[\s:]/;

const NOT_READY = 126;
const NO_PROGRAM = 127;
const SIGNAL_BASE = 128;

/** Signals that whoever started us means for the program. Those that a terminal sends reach it without our help. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"];
const SENT_BY_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

export async function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  const { stats } = options;
  const peer = NATIVE_PEERS.find(({ name }) => name === options.peer);
  if (peer !== undefined && options.profile !== undefined)
    throw new RequestError(`--profile is for hakmem; ${peer.name} has none, leave one of the two out`);
  try {
    process.exitCode = await start(program, args, peer ? await ofPeer(peer, stats) : await ofHakmem(options));
  } catch (error) {
    if (!(error instanceof ExplainedError) || error instanceof RequestError) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = NOT_READY;
  }
}

async function ofHakmem({ profile = "default", stats, quiet }: RunOptions): Promise<NodeJS.ProcessEnv> {
  const library = await buildNative({
    profile: await loadProfile(profile),
    onStep: (step) => {
      if (!quiet) console.error(`hakmem: ${step}`);
    },
  });
  return { ...preloading(await loadable(library.shared)), ...(stats ? { HAKMEM_STATS: "1" } : {}) };
}

/** The library by a path that `LD_PRELOAD` can hold, which takes spaces and colons for the end of one. */
async function loadable(file: string): Promise<string> {
  if (!SEPARATORS.test(file)) return file;
  const bytes = await readFile(file);
  const copy = await cachedFile(path.join("native", `${fingerprint(bytes)}.so`), () => Promise.resolve(bytes));
  if (!SEPARATORS.test(copy)) return copy;
  throw new ExplainedError(
    `LD_PRELOAD cannot hold a path with spaces or colons, such as ${copy}; set HAKMEM_CACHE to a directory without any`,
  );
}

async function ofPeer(peer: NativePeer, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const environment = preloading(await findPeer(peer));
  if (!stats) return environment;
  if (peer.statistics === undefined) console.error(`hakmem: ${peer.name} prints no statistics; --stats has no effect`);
  return { ...environment, ...peer.statistics };
}

async function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Nothing is done to the program but what is done to us: no end with ours, and no second signal after the first.
  const options = { stdio: "inherit", env, extendEnv: false, cleanup: false, forceKillAfterDelay: false } as const;
  // First: the program may run, and whoever waits for it may send a signal, before the next line here does.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of SENT_BY_TERMINAL) process.on(signal, () => hasTerminal || child.kill(signal));
  const child = execa(program, [...args], { ...options, reject: false });
  const result = await child;
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.signal !== undefined) return SIGNAL_BASE + constants.signals[result.signal];
  const reason = REASONS[result.code ?? ""] ?? result.originalMessage ?? result.shortMessage;
  console.error(`hakmem: ${program === "" ? '""' : program} cannot be started: ${reason}`);
  return NO_PROGRAM;
}
