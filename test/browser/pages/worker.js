// @ts-check
/* global self */
/** Attaches, exchanges blocks with the other workers through mailboxes in the heap, closes, and answers what it found. */

import { attachHeap } from "../../../packages/hakmem/dist/index.js";

self.onmessage = ({ data: { handle, mailboxes, count, rounds } }) => {
  const heap = attachHeap(handle);
  let damaged = 0;
  for (let round = 0; round < rounds; round++) {
    const words = 2 + (round % 300);
    const block = heap.malloc(words * 4);
    const mine = heap.u32;
    mine[block >>> 2] = words;
    for (let i = 1; i < words; i++) mine[(block >>> 2) + i] = block + i;
    const other = Atomics.exchange(mine, (mailboxes >>> 2) + (round % count), block);
    if (other === 0) continue;
    const theirs = heap.u32;
    for (let i = 1; i < theirs[other >>> 2]; i++) {
      if (theirs[(other >>> 2) + i] !== other + i) damaged++;
    }
    heap.free(other);
  }
  const { threadId } = heap;
  heap.close();
  self.postMessage({ damaged, threadId });
};
