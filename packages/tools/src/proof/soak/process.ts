/** A process for one round in WebAssembly: `node process.js JOB`, with a {@link WasmJob} as JSON. Says what protocol.ts describes. */

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { checkEnd } from "./end.js";
import { createMemory, SoakInstance } from "./instance.js";
import { located, LocatedFault, runLives } from "./life.js";
import type { Message, WasmJob } from "./protocol.js";
import type { ThreadData, ThreadReply } from "./thread.js";

const POLL_MS = 500;

function say(message: Message): void {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function run(job: WasmJob): Promise<void> {
  const module = new WebAssembly.Module(await readFile(job.module));
  const memory = createMemory(job);
  const first = new SoakInstance(module, memory, job);
  first.layOut();
  const control = first.init(0);
  const lives = job.shared
    ? await runWorkers({ module, memory, job, control }, first)
    : runLives(module, memory, job, 0, control, (done) => {
        say({ done });
      });
  say({ result: checkEnd(first, job, lives) });
}

/** Runs a worker for each thread; resolves to the number of all their lives, and rejects with the first fault. */
async function runWorkers(data: Omit<ThreadData, "thread">, first: SoakInstance): Promise<number> {
  const { threads } = data.job;
  const poll = setInterval(() => {
    let done = 0;
    for (let thread = 0; thread < threads; thread++) done += first.figure("operations", thread);
    say({ done });
  }, POLL_MS);
  try {
    const lives = await Promise.all(
      Array.from({ length: threads }, (_, thread) => runWorker({ ...data, thread }, first)),
    );
    return lives.reduce((total, each) => total + each, 0);
  } finally {
    clearInterval(poll);
  }
}

function runWorker(workerData: ThreadData, first: SoakInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    const { thread } = workerData;
    const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData });
    worker.once("message", (reply: ThreadReply) => {
      if ("fault" in reply) reject(new LocatedFault(reply.fault));
      else resolve(reply.lives);
    });
    worker.once("error", (error) => {
      reject(located(error, thread, first.figure("operations", thread)));
    });
    worker.once("exit", (code) => {
      // After a reply it changes nothing.
      reject(located(new Error(`the worker ended with ${code}`), thread, first.figure("operations", thread)));
    });
  });
}

try {
  await run(JSON.parse(process.argv[2] ?? "") as WasmJob);
  process.exitCode = 0;
} catch (error) {
  if (!(error instanceof LocatedFault)) throw error;
  // The other threads may be anywhere: they end with the process.
  process.stdout.write(JSON.stringify({ fault: error.fault } satisfies Message) + "\n", () => process.exit(1));
}
