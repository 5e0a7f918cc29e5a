// @ts-check
/** `growth.js` with the worker threads of Node, which Bun has too: prints what was wrong, as JSON. */

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createHeap } from "../../../dist/index.js";
import { BOX_BYTES, grow, observe } from "./growth.js";

if (isMainThread) {
  /** @type {Record<string, string[]>} */
  const findings = {};
  for (const memory64 of [false, true]) {
    for (const resizable of [false, true]) {
      const name = `${memory64 ? "64" : "32"} bits, ${resizable ? "growable" : "fixed-length"} buffer`;
      try {
        const heap = await createHeap({ shared: true, maximum: 1024 * 1024 * 1024, memory64 });
        if (resizable && !("toResizableBuffer" in heap.memory)) continue;
        const box = new SharedArrayBuffer(BOX_BYTES);
        const worker = new Worker(new URL(import.meta.url), { workerData: { handle: heap.handle, box, resizable } });
        const ended = new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject));
        // Not every engine starts a worker while the one that wants it is busy.
        await new Promise((resolve) => worker.once("message", resolve));
        findings[name] = observe(heap, box, resizable);
        await ended;
        heap.close();
      } catch (error) {
        if (/** @type {any} */ (error).code !== "HAKMEM_UNSUPPORTED") throw error;
      }
    }
  }
  console.log(JSON.stringify(findings));
} else {
  parentPort?.postMessage("ready");
  grow(workerData);
}
