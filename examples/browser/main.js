// @ts-check
/** The page: makes the heap, starts the workers, shows what they counted, and says what is wrong when something is. */

/* global document, navigator, Worker */

import { HakmemError, createHeap } from "hakmem";

const WIDTH = 1024;
const HEIGHT = 1024;
const BINS = 16;
const WORKERS = Math.max(2, Math.min(4, navigator.hardwareConcurrency));

const output = /** @type {HTMLOutputElement} */ (document.getElementById("result"));

try {
  output.textContent = await histogram();
  output.dataset.state = "done";
} catch (error) {
  output.textContent = error instanceof HakmemError ? `${error.code}\n${error.message}` : String(error);
  output.dataset.state = "failed";
}

async function histogram() {
  const heap = await createHeap({ shared: true, maximum: 256 * 1024 * 1024 });
  const picture = heap.alloc(Uint8Array, WIDTH * HEIGHT);
  const bins = heap.alloc(Int32Array, BINS);

  const rows = Math.ceil(HEIGHT / WORKERS);
  const parts = Array.from({ length: WORKERS }, (_, index) => ({
    picture: heap.pointerOf(picture),
    bins: heap.pointerOf(bins),
    binCount: BINS,
    width: WIDTH,
    firstRow: index * rows,
    lastRow: Math.min(HEIGHT, (index + 1) * rows),
  }));
  await Promise.all(parts.map((part) => run({ handle: heap.handle, part })));

  const lines = Array.from(bins, (count, bin) => `${String(bin).padStart(2)} ${String(count).padStart(8)}`);
  const pixels = bins.reduce((sum, count) => sum + count, 0);
  heap.free(picture);
  heap.free(bins);
  const { live, committed } = heap.stats();
  heap.close();
  return [
    ...lines,
    `${pixels} pixels counted by ${WORKERS} workers`,
    `${live} bytes still allocated, ${committed} committed`,
  ].join("\n");
}

/** Runs one worker to its end. @param {object} task @returns {Promise<void>} */
function run(task) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = () => {
      worker.terminate();
      resolve();
    };
    worker.onerror = (event) => reject(new Error(`a worker failed: ${event.message}`));
    worker.postMessage(task);
  });
}
