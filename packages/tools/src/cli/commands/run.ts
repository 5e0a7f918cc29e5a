/** `hakmem run`: starts a program under the native library, or under another allocator for comparison. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { InvalidArgumentError } from "commander";
import { AssemblyError } from "../../build/assemblyscript.js";
import { buildNative } from "../../build/native.js";
import { NativeCompilerError } from "../../build/native-compiler.js";
import { findPeer, NATIVE_PEERS, NativePeerError, preloading, type NativePeer } from "../../native/allocators.js";
import { loadProfile } from "../../profile/index.js";
import { type Register } from "../command.js";

const PEER_NAMES = NATIVE_PEERS.map((peer) => peer.name).join(", ");

const HELP = `
Write the program behind --, as in: hakmem run --stats -- ls -l
Settings of the library are environment variables: see docs/native.md.

Exit code: the program's; 128 + n when signal n ended it; 126 when the library could not be built or the peer is not
installed; 127 when the program cannot be started; 2 wrong arguments.`;

interface RunOptions {
  readonly profile: string;
  readonly stats: boolean;
  readonly peer?: NativePeer;
}

const NOT_READY = 126;
const NO_PROGRAM = 127;
const SIGNAL_BASE = 128;

/** Signals that whoever started us means for the program. Those of the terminal reach it without our help. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"];
const SHARED_WITH_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

export const registerRun: Register = (program) => {
  program
    .command("run")
    .description("start a program with hakmem as its malloc")
    .argument("<program>", "a path, or a name that is looked up as a shell does")
    .argument("[arguments...]", "its arguments")
    .option("--profile <name>", "profile to use, by name or file", "default")
    .option("--stats", "print a summary at the program's exit, to its standard error", false)
    .option("--peer <name>", `use another allocator instead: ${PEER_NAMES}`, parsePeer)
    .addHelpText("after", HELP)
    .action(run);
};

async function run(program: string, args: string[], options: RunOptions): Promise<void> {
  const { profile, stats, peer } = options;
  try {
    process.exitCode = await start(program, args, peer ? await ofPeer(peer, stats) : await ofHakmem(profile, stats));
  } catch (error) {
    if (!isExplained(error)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = NOT_READY;
  }
}

function parsePeer(name: string): NativePeer {
  const peer = NATIVE_PEERS.find((each) => each.name === name);
  if (peer !== undefined) return peer;
  throw new InvalidArgumentError(`It must be one of ${PEER_NAMES}.`);
}

async function ofHakmem(profile: string, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const library = await buildNative({
    profile: await loadProfile(profile),
    onStep: (step) => console.error(`hakmem: ${step}`),
  });
  return { ...preloading(library.shared), ...(stats ? { HAKMEM_STATS: "1" } : {}) };
}

async function ofPeer(peer: NativePeer, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const environment = preloading(await findPeer(peer));
  if (!stats) return environment;
  if (peer.statistics === undefined) console.error(`hakmem: ${peer.name} prints no statistics; --stats has no effect`);
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
        `hakmem: ${program} cannot be started: ${error.code === "ENOENT" ? "no such program" : "permission denied"}`,
      );
      resolve(NO_PROGRAM);
    });
    child.on("close", (code, signal) =>
      resolve(signal === null ? (code ?? 1) : SIGNAL_BASE + constants.signals[signal]),
    );
  });
}

function isExplained(error: unknown): error is Error {
  return error instanceof NativeCompilerError || error instanceof AssemblyError || error instanceof NativePeerError;
}
