/** Starting a program under hakmem, and being nothing but a go-between while it runs. */

import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import * as path from "node:path";
import { execa } from "execa";
import { cachedFile } from "../base/cache.js";
import { ExplainedError } from "../base/errors.js";
import { fingerprint } from "../base/fingerprint.js";
import { buildNative } from "../build/native.js";
import { loadProfile } from "../profile/index.js";
import { preloading } from "./allocators.js";

/** Why a program cannot be started, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such program",
  ENOTDIR: "no such program",
  ERR_INVALID_ARG_VALUE: "no name of a program",
  EACCES: "permission denied",
};

const SEPARATORS = /[\s:]/;

const NO_PROGRAM = 127;
const SIGNAL_BASE = 128;

/** Signals that whoever started us means for the program. Those that a terminal sends reach it without our help. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"];
const SENT_BY_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

export interface LibraryOptions {
  /** `default` unless given. */
  readonly profile?: string;
  /** The library that can sample and record (native/observe.h). */
  readonly observe?: boolean;
  readonly quiet: boolean;
}

/** The environment of a program that shall use hakmem, which is built if need be. Rejects as `buildNative` does. */
export async function underHakmem({
  profile = "default",
  observe = false,
  quiet,
}: LibraryOptions): Promise<NodeJS.ProcessEnv> {
  const library = await buildNative({
    observe,
    profile: await loadProfile(profile),
    onStep: (step) => {
      if (!quiet) console.error(`hakmem: ${step}`);
    },
  });
  return preloading(await loadable(library.shared));
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

/** How a program ended: its exit code as a shell has it (0 after a signal for real time, which Node does not tell from an end), and its process; none when it could not be started. */
export interface Ended {
  readonly code: number;
  readonly pid: number | undefined;
}

/**
 * Runs a program to its end, with our standard streams; what is sent to us reaches it. Says on standard error why it cannot be started.
 */
export async function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onStart?: (pid: number) => void,
): Promise<Ended> {
  // Nothing is done to the program but what is done to us: no end with ours, and no second signal after the first.
  const options = { stdio: "inherit", env, extendEnv: false, cleanup: false, forceKillAfterDelay: false } as const;
  // First: the program may run, and whoever waits for it may send a signal, before the next line here does.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of SENT_BY_TERMINAL) process.on(signal, () => hasTerminal || child.kill(signal));
  const child = execa(program, [...args], { ...options, reject: false });
  if (child.pid !== undefined) onStart?.(child.pid);
  const result = await child;
  const { pid } = child;
  if (result.exitCode !== undefined) return { code: result.exitCode, pid };
  if (result.signal !== undefined) return { code: SIGNAL_BASE + constants.signals[result.signal], pid };
  const reason = REASONS[result.code ?? ""] ?? result.originalMessage ?? result.shortMessage;
  console.error(`hakmem: ${program === "" ? '""' : program} cannot be started: ${reason}`);
  return { code: NO_PROGRAM, pid: undefined };
}
