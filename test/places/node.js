// @ts-check
/** The acceptance programs in Node, and in what is like it: prints the outcomes as JSON. */

import { Worker } from "node:worker_threads";
import * as library from "hakmem";
import { accept } from "./acceptance.js";

/** @type {() => import("./acceptance.js").Helper} */
function startWorker() {
  const worker = new Worker(new URL("node-worker.js", import.meta.url));
  return {
    ask: (task) =>
      new Promise((resolve, reject) => {
        worker.once("message", (data) => (data.failed === undefined ? resolve(data) : reject(new Error(data.failed))));
        worker.once("error", reject);
        worker.postMessage(task);
      }),
    terminate: () => worker.terminate(),
  };
}

console.log(JSON.stringify(await accept({ library, startWorker })));
process.exit(0);
