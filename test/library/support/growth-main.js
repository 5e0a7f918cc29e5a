// @ts-check
/** `growth.js` with the worker threads of Node, which Bun has too: prints what was wrong, as JSON. */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { grow, observeAll } from "./growth.js";

if (isMainThread) {
  const findings = await observeAll(async (task) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    const ended = new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
    // Not every engine starts a worker while the one that wants it is busy.
    await new Promise((resolve) => worker.once("message", resolve));
    return () => ended;
  });
  console.log(JSON.stringify(findings));
} else {
  parentPort?.postMessage("ready");
  grow(workerData);
}
