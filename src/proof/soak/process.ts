/** A process for one round in WebAssembly: `node process.js JOB`, with a {@link WasmJob} as JSON. Says what protocol.ts describes. */

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { createMemory, PAGE, SoakInstance } from "./instance.js";
import { located, LocatedFault, runLives } from "./life.js";
import type { Message, WasmJob } from "./protocol.js";
import type { ThreadData, ThreadReply } from "./thread.js";

const POLL_MS = 500;
/** What `heap_stat` can be asked. */
const STAT = { committed: 0, live: 1, cached: 2, threads: 3, freePages: 4, metadata: 5 } as const;

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
  const sum = (name: "operations" | "refused" | "received" | "claimed"): number => {
    let total = 0;
    for (let thread = 0; thread <= job.threads; thread++) total += first.figure(name, thread);
    return total;
  };
  try {
    first.begin(job.threads, job.seed);
    first.drain();
    first.checkHeap();
    first.trim();
  } catch (error) {
    throw located(error, job.threads, first.figure("operations", job.threads));
  }
  expectEqual(sum("claimed"), 0, "16-byte units that somebody still has at the end", job.threads);
  expectEqual(first.firstClaimed, 0, "an address that somebody still has at the end", job.threads);
  expectEqual(first.stat(STAT.live), 0, "bytes that are live at the end", job.threads);
  expectEqual(first.stat(STAT.cached), 0, "bytes that are cached at the end", job.threads);
  expectEqual(first.stat(STAT.threads), 1, "threads at the end", job.threads);
  const { committed, metadata, freePages } = STAT;
  const unused = first.stat(committed) - first.stat(metadata);
  expectEqual(first.stat(freePages), unused, "bytes in free pages at the end", job.threads);
  if (first.stat(committed) > job.heapPages * PAGE) {
    expectEqual(first.stat(committed), job.heapPages * PAGE, "bytes committed, of at most", job.threads);
  }
  say({
    result: {
      operations: sum("operations"),
      refused: sum("refused"),
      received: sum("received"),
      lives,
      peakBytes: first.stat(committed),
    },
  });
}

function expectEqual(found: number, expected: number, what: string, thread: number): void {
  if (found === expected) return;
  throw new LocatedFault({ thread, operation: 0, message: `${what}: ${found}, expected ${expected}` });
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
