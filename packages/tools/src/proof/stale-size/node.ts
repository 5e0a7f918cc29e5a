/**
 * Plays the cases in the Node that runs this, with the flags that it was given: `node node.js FILES`, where FILES is what
 * `modules.ts` returns, as JSON, with `warm` and `only` as in `play`. Prints the outcomes as JSON.
 */

import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import type { ProgramFiles } from "./modules.js";
import { play } from "./play.js";
import { follow, type Task } from "./scene.js";

export interface NodeTask extends ProgramFiles {
  readonly warm: boolean;
  readonly only?: string;
}

if (isMainThread) {
  const task = JSON.parse(process.argv[2]!) as NodeTask;
  const compile = (file: string): WebAssembly.Module => new WebAssembly.Module(readFileSync(file));
  if (WebAssembly.validate(readFileSync(task.allocator))) {
    const program = task.program === undefined ? undefined : compile(task.program);
    const modules = { allocator: compile(task.allocator), program, wide: task.wide, guard: task.guard };
    console.log(JSON.stringify(await play(modules, startFollower, task.warm, task.only)));
  } else {
    console.log("null");
  }
  // A thread that does not answer could keep the process from its end.
  process.exitCode = 0;
} else {
  parentPort!.on("message", (task: Task) => {
    follow(task);
  });
  parentPort!.postMessage("ready");
}

async function startFollower(): Promise<{ run(task: Task): void; stop(): void }> {
  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  worker.unref();
  return {
    run: (task) => {
      worker.postMessage(task);
    },
    stop: () => void worker.terminate(),
  };
}
