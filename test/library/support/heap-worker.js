// @ts-check
/** A worker that attaches to the heap of its `workerData` and does what it is told, one message at a time. */

import { parentPort, workerData } from "node:worker_threads";
import { attachHeap } from "hakmem";
import { mersenne } from "pure-rand/generator/mersenne";

const heap = attachHeap(workerData);

/** @type {Record<string, (...args: any[]) => unknown>} */
const OPERATIONS = {
  malloc: (size) => heap.malloc(size),
  free: (pointer) => heap.free(pointer),
  /** Allocates, writes a pattern that depends on `seed` over all of it, and answers with the address. */
  write: (size, seed) => {
    const pointer = heap.malloc(size);
    const bytes = heap.view(Uint8Array, pointer, size);
    for (let i = 0; i < size; i++) bytes[i] = seed + i * 31;
    return pointer;
  },
  /** Whether a block holds the pattern of `write`. */
  holds: (pointer, size, seed) =>
    heap.view(Uint8Array, pointer, size).every((byte, i) => byte === ((seed + i * 31) & 0xff)),
  byteAt: (pointer) => heap.u8[pointer],
  stats: () => heap.stats(),
  close: () => heap.close(),
  exchange,
};

/**
 * Allocates `rounds` blocks, marks each with its size and a checksum, and swaps it against whatever lies in a mailbox that all
 * threads use; what comes out is checked and freed. Answers with how many blocks of others were damaged.
 */
function exchange(mailboxes, count, rounds, seed) {
  const generator = mersenne(seed);
  let damaged = 0;
  for (let round = 0; round < rounds; round++) {
    const random = generator.next();
    const words = 2 + ((random >>> 8) % 300);
    const block = heap.malloc(words * 4);
    if (block === 0) throw new Error("the heap is exhausted");
    const mine = heap.u32;
    const first = block >>> 2;
    mine[first] = words;
    for (let i = 1; i < words; i++) mine[first + i] = block + i;
    const other = Atomics.exchange(mine, (mailboxes >>> 2) + ((random >>> 20) % count), block);
    if (other === 0) continue;
    const theirs = heap.u32;
    const start = other >>> 2;
    for (let i = 1; i < theirs[start]; i++) {
      if (theirs[start + i] !== other + i) {
        damaged++;
        break;
      }
    }
    heap.free(other);
  }
  return damaged;
}

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
port.postMessage({ result: heap.threadId });
port.on("message", ({ operation, args }) => {
  try {
    port.postMessage({ result: OPERATIONS[operation](...args) });
  } catch (error) {
    port.postMessage({ error: { code: /** @type {any} */ (error).code, message: String(error) } });
  }
});
