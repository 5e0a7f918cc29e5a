import { parentPort, workerData } from "node:worker_threads";
import { attachHeap } from "hakmem";
import { count } from "./map.js";

const heap = attachHeap(workerData.handle);
for (const word of workerData.text.toLowerCase().match(/\p{L}+/gu) ?? []) count(heap, workerData.map, word);
heap.close();
parentPort.postMessage("done");
