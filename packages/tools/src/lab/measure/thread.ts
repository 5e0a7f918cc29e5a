/** One thread of a workload of several: an instance of its own over the shared memory. */

import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../../base/errors.js";
import { workloadById } from "../workloads.js";
import { DriverInstance, type Place } from "./instance.js";
import { measurablePeer } from "./measurable.js";

export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly peer: string;
  readonly workload: string;
  readonly place: Place;
}

export interface ThreadCommand {
  readonly steps: number;
}

export interface ThreadRun {
  readonly type: "run";
  readonly operations: number;
  /** On the monotonic clock that all threads share, in nanoseconds. */
  readonly begin: bigint;
  readonly end: bigint;
  readonly checksum: bigint;
  readonly liveBytes: number;
}

export type ThreadReply =
  | { readonly type: "ready"; readonly control: number }
  | ThreadRun
  | { readonly type: "failure"; readonly message: string };

const setup = workerData as ThreadSetup;

try {
  const peer = measurablePeer({ peer: setup.peer, target: "wasm32-shared" });
  if (peer.kind !== "wasm") throw new Error(`${setup.peer} is not a WebAssembly module`);
  const workload = workloadById(setup.workload);
  const driver = await DriverInstance.open(setup.module, setup.memory, peer, workload, setup.place);
  parentPort?.on("message", ({ steps }: ThreadCommand) => {
    reply(() => run(driver, steps));
  });
  reply(() => ({ type: "ready", control: driver.control }));
} catch (error) {
  reply(() => {
    throw error;
  });
}

function run(driver: DriverInstance, steps: number): ThreadRun {
  driver.waitForOthers();
  const begin = process.hrtime.bigint();
  const operations = driver.run(steps);
  const end = process.hrtime.bigint();
  return { type: "run", operations, begin, end, checksum: driver.checksum(), liveBytes: driver.liveBytes() };
}

function reply(answer: () => ThreadReply): void {
  try {
    parentPort?.postMessage(answer());
  } catch (error) {
    parentPort?.postMessage({ type: "failure", message: messageOf(error) } satisfies ThreadReply);
  }
}
