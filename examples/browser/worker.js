// @ts-check
/** A worker of the page. An import map does not reach workers, so the library is named by its path. */

/* global self */

import { attachHeap } from "../../packages/hakmem/dist/index.js";

self.onmessage = ({ data: { handle, part } }) => {
  const heap = attachHeap(handle);
  const { width, firstRow, lastRow, binCount } = part;
  const shades = 256;
  const bins = heap.view(Int32Array, part.bins, binCount);
  for (let row = firstRow; row < lastRow; row++) {
    // A row is worked on in a block of its own and copied when it is done.
    const line = heap.allocUnsafe(Uint8Array, width);
    for (let x = 0; x < width; x++) line[x] = (x ^ row) % shades;
    for (const shade of line) Atomics.add(bins, Math.floor((shade * binCount) / shades), 1);
    heap.view(Uint8Array, part.picture + row * width, width).set(line);
    heap.free(line);
  }
  heap.close();
  self.postMessage("done");
};
