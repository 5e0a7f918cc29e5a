/** `hakmem run`: starts a program under the native library, or under another allocator for comparison. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { AssemblyError } from "../../build/assemblyscript.js";
import { buildNative } from "../../build/native.js";
import { NativeCompilerError } from "../../build/native-compiler.js";
import { findPeer, NATIVE_PEERS, NativePeerError, preloading, type NativePeer } from "../../native/allocators.js";
import { loadProfile, ProfileError } from "../../profile/index.js";

const PEER_NAMES = NATIVE_PEERS.map((peer) => peer.name).join(", ");

const HELP = `Usage: hakmem run [options] -- PROGRAM [ARGUMENT...]

Starts PROGRAM with hakmem as its malloc. The native library is built first if it is not up to date.

  --profile NAME|FILE  use this profile (default: default)
  --stats              print a summary at the program's exit, to its standard error
  --peer NAME          use another allocator instead: ${PEER_NAMES}
  --help               print this

Settings of the library are environment variables: see docs/native.md.

Exit code: the program's; 128 + n when signal n ended it; 126 when hakmem could not be built or the peer is not
installed; 127 when there is no such program; 2 wrong arguments.
`;

const NOT_READY = 126;
const NO_PROGRAM = 127;
const SIGNAL_BASE = 128;

/** Signals that whoever started us means for the program. Those of the terminal reach it without our help. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"];
const SHARED_WITH_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/** Runs the command with its arguments (without the command's own name) and returns the exit code. */
export async function runRun(args: readonly string[]): Promise<number> {
  let options;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`hakmem run: ${(error as Error).message}\nTry hakmem run --help.`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    const environment = options.peer
      ? await ofPeer(options.peer, options.stats)
      : await ofHakmem(options.profile, options.stats);
    return await start(options.program, options.programArguments, environment);
  } catch (error) {
    if (!isExplained(error)) throw error;
    console.error(`hakmem run: ${error.message}`);
    return NOT_READY;
  }
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      profile: { type: "string", default: "default" },
      stats: { type: "boolean", default: false },
      peer: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [program = "", ...programArguments] = positionals;
  if (program === "" && !values.help)
    throw new Error("no program given; write it behind --, as in hakmem run -- ls -l");
  return { ...values, peer: values.peer === undefined ? undefined : parsePeer(values.peer), program, programArguments };
}

function parsePeer(name: string): NativePeer {
  const peer = NATIVE_PEERS.find((each) => each.name === name);
  if (peer !== undefined) return peer;
  throw new Error(`--peer is "${name}"; it must be one of ${PEER_NAMES}`);
}

async function ofHakmem(profile: string, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const library = await buildNative({
    profile: await loadProfile(profile),
    onStep: (step) => console.error(`hakmem run: ${step}`),
  });
  return { ...preloading(library.shared), ...(stats ? { HAKMEM_STATS: "1" } : {}) };
}

async function ofPeer(peer: NativePeer, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const environment = preloading(await findPeer(peer));
  if (!stats) return environment;
  if (peer.statistics === undefined)
    console.error(`hakmem run: ${peer.name} prints no statistics; --stats has no effect`);
  return { ...environment, ...peer.statistics };
}

function start(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: environment });
    for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
    for (const signal of SHARED_WITH_TERMINAL) process.on(signal, () => {});
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" && error.code !== "EACCES") return reject(error);
      console.error(
        `hakmem run: ${program} cannot be started: ${error.code === "ENOENT" ? "no such program" : "permission denied"}`,
      );
      resolve(NO_PROGRAM);
    });
    child.on("close", (code, signal) =>
      resolve(signal === null ? (code ?? 1) : SIGNAL_BASE + constants.signals[signal]),
    );
  });
}

function isExplained(error: unknown): error is Error {
  return (
    error instanceof NativeCompilerError ||
    error instanceof AssemblyError ||
    error instanceof ProfileError ||
    error instanceof NativePeerError
  );
}
