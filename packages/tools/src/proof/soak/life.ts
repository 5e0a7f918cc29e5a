/** The lives of one thread of the program: after each, its heap is left behind and another one goes on with the blocks. */

import { FaultError, SoakInstance } from "./instance.js";
import type { Fault, WasmJob } from "./protocol.js";

const SHORTEST_LIFE = 2 ** 15;
const LONGEST_LIFE = 2 ** 19;

/**
 * Runs thread `thread` of `job` to its end; returns how many lives it had.
 * @param onLife called after each with the operations that the thread has done
 */
export function runLives(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  job: WasmJob,
  thread: number,
  control: number,
  onLife: (operations: number) => void = () => {},
): number {
  let instance = new SoakInstance(module, memory, job);
  const goal = Math.floor(job.operations / job.threads) + (thread < job.operations % job.threads ? 1 : 0);
  for (let lives = 1; ; lives++) {
    let done: number;
    try {
      instance.init(control);
      instance.begin(thread, job.seed);
      const before = instance.figure("operations", thread);
      done = Math.min(goal, before + lifeFrom(before + job.seed));
      instance.run(done);
      if (done === goal) instance.finish();
      instance.exit();
    } catch (error) {
      throw located(error, thread, instance.figure("operations", thread));
    }
    onLife(done);
    if (done === goal) return lives;
    // Every other time a thread that the heap knew goes on; in between one that sees this memory for the first time.
    if (lives % 2 === 0) instance = new SoakInstance(module, memory, job);
  }
}

/** Operations of a life, the same for the same `seed`: a hash, and as it is for good, since seeds on record replay what it says. */
function lifeFrom(seed: number): number {
  const random = (Math.imul(seed, 0x9e3779b1) >>> 0) / 2 ** 32;
  return SHORTEST_LIFE + Math.floor(random * (LONGEST_LIFE - SHORTEST_LIFE));
}

/** What ended a thread, and where it was. */
export class LocatedFault extends Error {
  override readonly name = "LocatedFault";
  constructor(readonly fault: Fault) {
    super("fault");
  }
}

/** A trap of the module is a fault, too. */
export function located(error: unknown, thread: number, operation: number): LocatedFault {
  const what = error instanceof FaultError ? error.fault : { message: String((error as Error).stack ?? error) };
  return new LocatedFault({ thread, operation, ...what });
}
