/** A worker that is one thread of the program. */

import { parentPort, workerData } from "node:worker_threads";
import { LocatedFault, runLives } from "./life.js";
import type { Fault, WasmJob } from "./protocol.js";

export interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly job: WasmJob;
  readonly thread: number;
  readonly control: number;
}

export type ThreadReply = { readonly lives: number } | { readonly fault: Fault };

const { module, memory, job, thread, control } = workerData as ThreadData;

function reply(message: ThreadReply): void {
  parentPort?.postMessage(message);
}

try {
  reply({ lives: runLives(module, memory, job, thread, control) });
} catch (error) {
  if (!(error instanceof LocatedFault)) throw error;
  reply({ fault: error.fault });
}
