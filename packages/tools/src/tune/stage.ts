/** Where candidates are measured: in WebAssembly or natively. */

import { MeasurementError } from "../base/errors.js";
import { NULL_NATIVE_PEER, nativeLibraryPeer } from "../lab/peers/native.js";
import { hakmemPeer } from "../lab/peers/hakmem.js";
import { NULL_PEER } from "../lab/peers/null.js";
import type { Peer } from "../lab/peers/peer.js";
import { recordingWorkload, traceOf } from "../lab/recordings.js";
import { constantsOf, type Profile } from "../profile/index.js";
import { committedBy } from "./committed.js";
import type { Input } from "./inputs.js";

export const TUNE_TARGETS = ["wasm32", "native"] as const;
export type TuneTarget = (typeof TUNE_TARGETS)[number];

export interface Stage {
  readonly target: TuneTarget;
  /** The driver alone. */
  readonly nothing: Peer;
  /** Events of a recording that are replayed at most when time counts. */
  readonly mostEvents: number;
  /** The profile as an allocator called `name`. */
  readonly peerOf: (profile: Profile, name: string) => Peer;
  /** Bytes that the recording takes, replayed once; remembered. Rejects with {@link MeasurementError}. */
  readonly memoryOf: (profile: Profile, input: Input) => Promise<number>;
}

export function stageFor(target: TuneTarget): Stage {
  return target === "native" ? nativeStage() : wasmStage();
}

/** As many as the driver's arena has room for. */
const WASM_EVENTS = 300_000;
const NATIVE_EVENTS = 1_000_000;

function wasmStage(): Stage {
  const peerOf = (profile: Profile, name: string): Peer => hakmemPeer({ name, profile });
  const modules = new Map<string, Promise<WebAssembly.Module>>();
  const moduleOf = (profile: Profile): Promise<WebAssembly.Module> =>
    remembered(modules, meaningOf(profile, "wasm32"), async () => {
      const bytes = await hakmemPeer({ name: "candidate", profile }).build("wasm32");
      return WebAssembly.compile(new Uint8Array(bytes));
    });
  const figures = new Map<string, Promise<number>>();
  return {
    target: "wasm32",
    nothing: NULL_PEER,
    mostEvents: WASM_EVENTS,
    peerOf,
    memoryOf: (profile, input) =>
      remembered(figures, `${input.file}\n${meaningOf(profile, "wasm32")}`, async () =>
        committedBy(await moduleOf(profile), input.trace),
      ),
  };
}

function nativeStage(): Stage {
  const figures = new Map<string, Promise<number>>();
  return {
    target: "native",
    nothing: NULL_NATIVE_PEER,
    mostEvents: NATIVE_EVENTS,
    peerOf: (profile, name) => nativeLibraryPeer(profile, name),
    memoryOf: (profile, input) =>
      remembered(figures, `${input.file}\n${meaningOf(profile, "native")}`, () => residentBy(profile, input)),
  };
}

/** What is resident at most: not exact, so the least of a few runs. */
const RESIDENT_RUNS = 3;

async function residentBy(profile: Profile, input: Input): Promise<number> {
  const trace = traceOf(input.recording, NATIVE_EVENTS);
  const workload = recordingWorkload(input.file, NATIVE_EVENTS, trace);
  const steps = trace.events.length / 2;
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RESIDENT_RUNS; run++) {
    const { peakBytes } = await nativeLibraryPeer(profile, "candidate").measure({
      workload: workload.id,
      peer: "candidate",
      target: "native",
      threads: 1,
      module: null,
      steps,
      runs: 1,
      mostRuns: 1,
      calibration: null,
      warmupMilliseconds: 0,
      timelinePoints: 0,
    });
    if (peakBytes === null) throw new MeasurementError("the system does not say what is resident");
    least = Math.min(least, peakBytes);
  }
  return least;
}

const meaningOf = (profile: Profile, target: TuneTarget): string => JSON.stringify(constantsOf(profile, target));

function remembered<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
