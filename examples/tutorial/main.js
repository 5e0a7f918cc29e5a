import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createHeap } from "hakmem";
import { entries, freeMap, makeMap } from "./map.js";

const texts = ["To be, or not to be, that is the question", "Not to be is not the question"];

const heap = await createHeap({ shared: true });
const map = makeMap(heap);

await Promise.all(
  texts.map(async (text) => {
    const worker = new Worker(new URL("worker.js", import.meta.url), {
      workerData: { handle: heap.handle, map, text },
    });
    await once(worker, "message");
  }),
);

const counted = [...entries(heap, map)].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
for (const [word, times] of counted) console.log(`${times} ${word}`);

freeMap(heap, map);
console.log(`${heap.stats().live} bytes still allocated`);
heap.close();
