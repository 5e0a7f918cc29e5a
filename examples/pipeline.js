// @ts-check
/**
 * Producers allocate messages, consumers check and free them: every block is freed by another thread than the one that
 * allocated it, and what is allocated stays bounded by the length of the queue.
 *
 *   node examples/pipeline.js [--pairs 1] [--messages 200000]
 */

import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { attachHeap, createHeap } from "hakmem";
import { SharedQueue } from "./shared-queue.js";

const HEADER_WORDS = 2; // length in words, checksum

if (isMainThread) await main();
else work();

async function main() {
  const { values } = parseArgs({
    options: { pairs: { type: "string", default: "1" }, messages: { type: "string", default: "200000" } },
  });
  const pairs = Number(values.pairs);
  const messages = Number(values.messages);

  const heap = await createHeap({ shared: true });
  const queue = SharedQueue.create(heap, 1024);
  const data = { handle: heap.handle, address: queue.address, capacity: queue.capacity, messages };
  const roles = Array.from({ length: pairs }, () => ["produce", "consume"]).flat();
  const start = performance.now();
  const results = await Promise.all(roles.map((role) => run({ ...data, role })));
  const seconds = (performance.now() - start) / 1000;

  const sum = (/** @type {string} */ role) =>
    results.reduce((total, result, i) => (roles[i] === role ? (total + result) >>> 0 : total), 0);
  const { live, committed } = heap.stats();
  console.log(`${pairs * messages} messages in ${seconds.toFixed(2)} s; ${committed} bytes committed`);
  console.log(`checksum sent ${sum("produce")}, received ${sum("consume")}`);
  heap.free(queue.address);
  console.log(`${heap.stats().live} bytes still allocated, of ${live} before the queue was freed`);
  heap.close();
  if (sum("produce") !== sum("consume")) throw new Error("messages were damaged on their way");
}

function work() {
  const { handle, address, capacity, messages, role } = workerData;
  const heap = attachHeap(handle);
  const queue = new SharedQueue(heap, address, capacity);
  let total = 0;
  for (let i = 0; i < messages; i++) {
    if (role === "produce") {
      const words = 1 + ((i * 7) % 250);
      const message = heap.malloc(4 * (HEADER_WORDS + words));
      if (message === 0) throw new Error("the heap is exhausted");
      const { u32 } = heap;
      const first = (message >>> 2) + HEADER_WORDS;
      let checksum = 0;
      for (let word = 0; word < words; word++) checksum = (checksum + (u32[first + word] = i + word)) >>> 0;
      u32[first - 2] = words;
      u32[first - 1] = checksum;
      total = (total + checksum) >>> 0;
      queue.push(message);
    } else {
      const message = queue.pop();
      const { u32 } = heap;
      const first = (message >>> 2) + HEADER_WORDS;
      let checksum = 0;
      for (let word = 0; word < u32[first - 2]; word++) checksum = (checksum + u32[first + word]) >>> 0;
      if (checksum !== u32[first - 1]) throw new Error(`message ${i} was damaged on its way`);
      total = (total + checksum) >>> 0;
      heap.free(message);
    }
  }
  heap.close();
  parentPort?.postMessage(total);
}

/** Runs a worker and resolves with the number that it posts. @param {object} data @returns {Promise<number>} */
function run(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
