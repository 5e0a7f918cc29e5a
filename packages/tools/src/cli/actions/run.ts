/** What `hakmem run` does. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ExplainedError, RequestError } from "../../base/errors.js";
import { formatOf } from "../../observe/formats/index.js";
import { reportSamples, requireDirectory, samplingEnvironment, type Sampling } from "../../observe/native-samples.js";
import { findPeer, NATIVE_PEERS, preloading, type NativePeer } from "../../run/allocators.js";
import { start, underHakmem } from "../../run/program.js";
import type { CommonOptions } from "../command.js";

export interface RunOptions extends CommonOptions {
  /** `default` unless given. */
  readonly profile?: string;
  readonly stats: boolean;
  /** All figures instead of a summary. */
  readonly statsAs?: "json" | "prometheus";
  /** Name of one of `NATIVE_PEERS`. */
  readonly peer?: string;
  /** File for a heap profile. */
  readonly heapProfile?: string;
  readonly sampleBytes?: number;
  readonly leaks: boolean;
  readonly top?: number;
}

/** The library could not be built, or the peer is not installed. */
const NOT_READY = 126;

export async function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  const { stats } = options;
  const peer = NATIVE_PEERS.find(({ name }) => name === options.peer);
  if (peer !== undefined && options.profile !== undefined)
    throw new RequestError(`--profile is for hakmem; ${peer.name} has none, leave one of the two out`);
  const sampling = samplingOf(options);
  if (peer !== undefined && options.statsAs !== undefined)
    throw new RequestError(`--stats=${options.statsAs} is hakmem's; ${peer.name} has --stats alone`);
  if (peer !== undefined && sampling !== undefined)
    throw new RequestError(`it is hakmem that samples a heap; leave out --peer ${peer.name}, or the profile`);
  try {
    if (sampling !== undefined) await runSampled(program, args, options, sampling);
    else
      process.exitCode = (await start(program, args, peer ? await ofPeer(peer, stats) : await ofHakmem(options))).code;
  } catch (error) {
    if (!(error instanceof ExplainedError) || error instanceof RequestError) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode ||= NOT_READY;
  }
}

const TOP = 10;
const DEFAULT_SAMPLE_BYTES = 512 * 2 ** 10;

/** What is made of a sample; undefined when none was asked for. Throws `RequestError` for a file of no known format. */
function samplingOf({ heapProfile, sampleBytes, leaks, top }: RunOptions): Sampling | undefined {
  if (heapProfile === undefined && !leaks) {
    if (sampleBytes === undefined && top === undefined) return undefined;
    throw new RequestError("--sample-bytes and --top are for --heap-profile and --leaks; there is neither");
  }
  return {
    rate: sampleBytes ?? (leaks ? 1 : DEFAULT_SAMPLE_BYTES),
    file: heapProfile === undefined ? undefined : { path: path.resolve(heapProfile), format: formatOf(heapProfile) },
    leaks: leaks ? { most: top ?? TOP } : undefined,
  };
}

async function runSampled(
  program: string,
  args: readonly string[],
  options: RunOptions,
  sampling: Sampling,
): Promise<void> {
  await requireDirectory(sampling);
  const library = await ofHakmem(options, true);
  // Not a scratch directory of the tools', which is gone when a signal comes: it is the program's, and we stay until it has ended.
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-sample-"));
  try {
    const environment = { ...library, ...samplingEnvironment(directory, sampling) };
    const { code, pid } = await start(program, args, environment);
    process.exitCode = code;
    if (pid !== undefined) await reportSamples(directory, pid, sampling);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function ofHakmem(options: RunOptions, observe = false): Promise<NodeJS.ProcessEnv> {
  const environment = await underHakmem({ ...options, observe });
  const stats = options.statsAs ?? (options.stats ? "1" : undefined);
  return stats === undefined ? environment : { ...environment, HAKMEM_STATS: stats };
}

async function ofPeer(peer: NativePeer, stats: boolean): Promise<NodeJS.ProcessEnv> {
  const environment = preloading(await findPeer(peer));
  if (!stats) return environment;
  if (peer.statistics === undefined) console.error(`hakmem: ${peer.name} prints no statistics; --stats has no effect`);
  return { ...environment, ...peer.statistics };
}
