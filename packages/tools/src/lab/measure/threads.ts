/** Measures a workload of several threads: a worker each, all on one shared memory. */

import { Worker } from "node:worker_threads";
import { MeasurementError } from "../../base/errors.js";
import { type WasmHooks } from "../peers/peer.js";
import type { Workload } from "../workloads.js";
import { committedBytes, createMemory } from "./instance.js";
import type { Sample, SampleRequest } from "./protocol.js";
import type { ThreadCommand, ThreadReply, ThreadRun, ThreadSetup } from "./thread.js";
import { warmUp } from "./warm-up.js";

export async function measureThreads(
  module: WebAssembly.Module,
  peer: WasmHooks,
  workload: Workload,
  request: SampleRequest,
): Promise<Sample> {
  const open = (): Promise<Team> => Team.open(module, peer, workload, request);

  await warmUp(request, async () => {
    const team = await open();
    const steps = roundUp(Math.ceil(request.steps / 16));
    warmUpTeams.push(team);
    return () => team.run(steps);
  });
  await Promise.all(warmUpTeams.splice(0).map((team) => team.close()));

  const team = await open();
  try {
    await team.run(roundUp(Math.ceil(request.steps / 4)));
    const runs: ThreadRun[][] = [];
    for (let run = 0; run < request.runs; run++) runs.push(await team.run(request.steps));
    const last = runs.at(-1) ?? [];
    return {
      operations: sum(last.map(({ operations }) => operations)),
      nanoseconds: runs.map(wallTime),
      disturbed: false,
      calibration: null,
      checksum: BigInt.asUintN(
        64,
        last.reduce((total, { checksum }) => total + checksum, 0n),
      )
        .toString(16)
        .padStart(16, "0"),
      peakBytes: peer.keepsContents ? committedBytes(team.memory) : null,
      liveBytes: peer.keepsContents ? sum(last.map(({ liveBytes }) => liveBytes)) : null,
      timeline: [],
    };
  } finally {
    await team.close();
  }
}

const warmUpTeams: Team[] = [];

/** Steps of a producer come in runs of 64. */
function roundUp(steps: number): number {
  const UNIT = 64;
  return Math.ceil(steps / UNIT) * UNIT;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** From the first thread's start to the last one's end: all use the same monotonic clock. */
function wallTime(threads: readonly ThreadRun[]): number {
  const begin = threads.map((thread) => thread.begin).reduce((a, b) => (a < b ? a : b));
  const end = threads.map((thread) => thread.end).reduce((a, b) => (a > b ? a : b));
  return Number(end - begin);
}

/** Workers that stand ready on one fresh heap. */
class Team {
  private constructor(
    readonly memory: WebAssembly.Memory,
    private readonly workers: readonly Worker[],
  ) {}

  static async open(
    module: WebAssembly.Module,
    peer: WasmHooks,
    workload: Workload,
    request: SampleRequest,
  ): Promise<Team> {
    const { threads } = request;
    const memory = createMemory(peer, workload, threads, true);
    const workers: Worker[] = [];
    const team = new Team(memory, workers);
    try {
      let control = 0;
      for (let thread = 0; thread < threads; thread++) {
        const workerData: ThreadSetup = {
          module,
          memory,
          peer: request.peer,
          workload: workload.id,
          place: { thread, threads, control },
        };
        const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData });
        workers.push(worker);
        const reply = await next(worker);
        if (reply.type === "ready" && thread === 0) control = reply.control;
      }
      return team;
    } catch (error) {
      await team.close();
      throw error;
    }
  }

  /** Lets all threads do `steps` steps at once. */
  async run(steps: number): Promise<ThreadRun[]> {
    const command: ThreadCommand = { steps };
    // One that fails would leave the others waiting at the barrier: the first failure ends the run.
    return Promise.all(
      this.workers.map(async (worker) => {
        const reply = next(worker);
        worker.postMessage(command);
        const result = await reply;
        if (result.type !== "run") throw new MeasurementError("a thread answered out of turn");
        return result;
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** The next message of a worker; rejects when it fails or ends instead. */
function next(worker: Worker): Promise<ThreadReply> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    };
    const onMessage = (reply: ThreadReply): void => {
      done();
      if (reply.type === "failure") reject(new MeasurementError(reply.message));
      else resolve(reply);
    };
    const onError = (error: Error): void => {
      done();
      reject(new MeasurementError(`a thread failed: ${error.message}`, { cause: error }));
    };
    const onExit = (code: number): void => {
      done();
      reject(new MeasurementError(`a thread ended with exit code ${code}`));
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}
