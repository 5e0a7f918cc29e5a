/** Records what it does with a heap: allocates a block, and frees it and one that it was given. */

import { parentPort, workerData } from "node:worker_threads";
import { attachHeap } from "hakmem";

const { handle, block } = workerData;
const heap = attachHeap(handle);
const recording = await heap.record();
const own = heap.malloc(77);
heap.free(own);
heap.free(block);
parentPort?.postMessage(recording.stop());
heap.close();
