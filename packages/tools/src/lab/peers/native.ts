/**
 * Native peers: a workload compiled to a C program (`bench/native/workload.c`) runs in a process of its own, with the allocator
 * loaded before the C library. A visit is a process, so every visit has a fresh heap and another layout of addresses.
 */

import * as path from "node:path";
import { execa } from "execa";
import { findPeer, NATIVE_PEERS, NativePeerError, preloading, type NativePeer } from "../../run/allocators.js";
import { loadProfile, type Profile } from "../../profile/index.js";
import { cachedDirectory, cachedFile } from "../../base/cache.js";
import { fingerprint, fingerprintOfPipeline, fingerprintOfSources } from "../../base/fingerprint.js";
import { MeasurementError } from "../../base/errors.js";
import type { Sample, SampleRequest } from "../measure/protocol.js";
import { ROOT } from "../../base/paths.js";
import { readTrace } from "../recordings.js";
import { workloadById, type Workload } from "../workloads.js";
import type { ExternalPeer } from "./peer.js";

const TIMEOUT_MS = 120_000;

/** hakmem as a native library. */
export const HAKMEM_NATIVE_PEER: ExternalPeer = nativePeer({
  name: "hakmem",
  profile: "default",
  description: "libhakmem.so, from the same source",
  missing: async () => {
    const { NativeCompilerError, requireCompiler, hostArchitecture } = await import("../../build/native-compiler.js");
    try {
      await requireCompiler(hostArchitecture());
      return undefined;
    } catch (error) {
      if (error instanceof NativeCompilerError) return error.message;
      throw error;
    }
  },
  library: async () => {
    const { buildNative } = await import("../../build/native.js");
    return (await buildNative({ profile: await loadProfile("default") })).shared;
  },
});

/** The same, built by what it did in training (S17): beside `hakmem` in one run, it tells what the training gains. */
export const TRAINED_NATIVE_PEER: ExternalPeer = nativePeer({
  name: "hakmem-pgo",
  profile: null,
  description: "libhakmem.so, built by a profile of its work",
  missing: HAKMEM_NATIVE_PEER.missing,
  library: async () => {
    const { buildNative } = await import("../../build/native.js");
    return (await buildNative({ profile: await loadProfile("default"), pgo: true })).shared;
  },
});

/** The driver alone, natively. */
export const NULL_NATIVE_PEER: ExternalPeer = nativePeer({
  name: "null",
  profile: null,
  description: "addresses from a ring, no allocator: the driver alone",
  missing: HAKMEM_NATIVE_PEER.missing,
  library: () => Promise.resolve(undefined),
});

/** The C library's allocator, and those of the system's packages. */
export const SYSTEM_PEERS: readonly ExternalPeer[] = NATIVE_PEERS.map((peer) =>
  nativePeer({
    name: peer.name,
    profile: null,
    description: peer.package === undefined ? "the C library's malloc" : `the system's ${peer.package}`,
    missing: () => missingPeer(peer),
    library: () => findPeer(peer),
  }),
);

/** hakmem as a native library of another profile. */
export function nativeLibraryPeer(profile: Profile, name: string): ExternalPeer {
  return nativePeer({
    name,
    profile: profile.name,
    description: profile.description,
    missing: HAKMEM_NATIVE_PEER.missing,
    library: async () => {
      const { buildNative } = await import("../../build/native.js");
      return (await buildNative({ profile })).shared;
    },
  });
}

interface NativePeerParts extends Pick<ExternalPeer, "name" | "profile" | "description" | "missing"> {
  /** Path of the library to load; undefined for none. */
  readonly library: () => Promise<string | undefined>;
}

function nativePeer({ library, ...about }: NativePeerParts): ExternalPeer {
  const isNull = about.name === "null";
  return {
    ...about,
    kind: "external",
    targets: ["native"],
    keepsContents: !isNull,
    measure: async (request) => measure(request, isNull, await library()),
  };
}

async function missingPeer(peer: NativePeer): Promise<string | undefined> {
  const withoutCompiler = await HAKMEM_NATIVE_PEER.missing();
  if (withoutCompiler !== undefined) return withoutCompiler;
  try {
    await findPeer(peer);
    return undefined;
  } catch (error) {
    if (error instanceof NativePeerError) return error.message;
    throw error;
  }
}

/** What the program answers to each line. */
interface Round {
  readonly nanoseconds: number;
  readonly operations: number;
  readonly checksum: string;
  readonly liveBytes: number;
  readonly peakLiveBytes: number;
  readonly peakResidentBytes: number;
}

async function measure(request: SampleRequest, isNull: boolean, library: string | undefined): Promise<Sample> {
  const workload = workloadById(request.workload);
  const program = await workloadProgram(isNull);
  const args = [workload.functions, request.threads, workload.ringBytes, ...(await argumentsOf(workload))];
  // The first run fills slots and caches, and is not counted.
  const steps = [roundUp(request.steps / 2), ...Array.from({ length: request.runs }, () => request.steps)];
  const [, ...timed] = await converse(program, args.map(String), steps, library);
  const first = timed[0];
  const last = timed.at(-1);
  if (first === undefined || last === undefined || timed.length !== request.runs) {
    throw new MeasurementError(`the program answered ${timed.length} of ${request.runs} runs`);
  }
  return {
    operations: first.operations,
    nanoseconds: timed.map(({ nanoseconds }) => nanoseconds),
    disturbed: false,
    calibration: null,
    checksum: first.checksum,
    peakBytes: isNull ? null : last.peakResidentBytes,
    liveBytes: isNull ? null : workload.driver === "threads" ? last.liveBytes : last.peakLiveBytes,
    timeline: [],
  };
}

/** Steps of a producer come in runs of 64. */
function roundUp(steps: number): number {
  const UNIT = 64;
  return Math.ceil(steps / UNIT) * UNIT;
}

async function converse(
  program: string,
  args: readonly string[],
  steps: readonly number[],
  library: string | undefined,
): Promise<Round[]> {
  const result = await execa(program, [...args], {
    env: preloading(library),
    extendEnv: false,
    input: steps.map((count) => `${count}\n`).join(""),
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    reject: false,
  });
  if (result instanceof Error) {
    const how = result.signal ?? (result.exitCode === undefined ? undefined : `exit code ${result.exitCode}`);
    if (how === undefined) throw result;
    const said = result.stderr.trim();
    throw new MeasurementError(`its program ended with ${how}${said && `: ${said}`}`);
  }
  return parseRounds(result.stdout);
}

function parseRounds(text: string): Round[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Round);
}

async function argumentsOf(workload: Workload): Promise<readonly (number | string)[]> {
  if (workload.trace === undefined) return [0, 1, 2, 3].map((index) => workload.args[index] ?? 0);
  const { events, slots } = await readTrace(workload);
  const bytes = new Uint8Array(events.buffer, events.byteOffset, events.byteLength);
  const file = await cachedFile(path.join("bench", `${fingerprint(bytes)}.events`), () => Promise.resolve(bytes));
  return [events.length / 2, slots, 0, 0, file];
}

const programs = new Map<boolean, Promise<string>>();

/** Path of the workloads' program, built once for the sources there are. */
function workloadProgram(isNull: boolean): Promise<string> {
  const known = programs.get(isNull) ?? buildProgram(isNull);
  programs.set(isNull, known);
  return known;
}

async function buildProgram(isNull: boolean): Promise<string> {
  const { hostArchitecture, requireCompiler } = await import("../../build/native-compiler.js");
  const { buildWorkload } = await import("../../build/native-workload.js");
  const compiler = await requireCompiler(hostArchitecture());
  const sources = ["bench/workloads", "bench/peers", "bench/native", "native"];
  const parts = await Promise.all(sources.map((name) => fingerprintOfSources(path.join(ROOT, name))));
  const name = `workload-${fingerprint(compiler.version, String(isNull), await fingerprintOfPipeline(), ...parts)}`;
  const directory = await cachedDirectory(path.join("bench", name), async (empty) => {
    await buildWorkload({ compiler, out: empty, nullPeer: isNull });
  });
  return path.join(directory, isNull ? "workload-null" : "workload");
}
