/**
 * Runs a 64-bit build of the allocator: `node exercise.js MODULE.wasm`. Prints what it saw as JSON.
 *
 * A program of its own, because it needs a Node with 64-bit memories.
 */

import { readFileSync } from "node:fs";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";

const [file = ""] = process.argv.slice(2);
const shared = file.includes("-shared");
const GIB = 2n ** 30n;

/** @type {any} The standard library's types know no 64-bit memories yet. */
const Memory = WebAssembly.Memory;
const memory = new Memory({ address: "i64", initial: 0n, maximum: 2n ** 18n, ...(shared ? { shared } : {}) });
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
/** @type {any} */
const heap = exports;

const control = heap.thread_init(0n);

// Small and large blocks, each filled with its own number while others come and go.
const generator = mersenne(1);
const random = (/** @type {number} */ below) => uniformInt(generator, 0, below - 1);
/** @type {({ at: bigint; words: number; value: number } | undefined)[]} */
const slots = Array.from({ length: 200 });
const wordsOf = (/** @type {bigint} */ at, /** @type {number} */ words) =>
  new Uint32Array(memory.buffer, Number(at), words);
let damaged = 0;
for (let round = 0; round < 20_000; round++) {
  const index = random(slots.length);
  const taken = slots[index];
  if (taken === undefined) {
    const words = 1 + (round % 50 === 0 ? random(50_000) : random(500));
    const at = heap.malloc(BigInt(4 * words));
    wordsOf(at, words).fill(round);
    slots[index] = { at, words, value: round };
  } else {
    if (!wordsOf(taken.at, taken.words).every((word) => word === taken.value)) damaged++;
    heap.free(taken.at);
    slots[index] = undefined;
  }
}

// More than 4 GiB at once, of which only the ends are touched.
const blocks = Array.from({ length: 5 }, () => heap.malloc(GIB));
blocks.forEach((at, index) => {
  for (const end of [at, at + GIB - 4n]) wordsOf(end, 1).fill(index + 1);
});
const intact = blocks.every((at, index) =>
  [at, at + GIB - 4n].every((/** @type {bigint} */ end) => wordsOf(end, 1)[0] === index + 1),
);
blocks.forEach((at) => heap.free(at));

const highest = blocks.reduce((most, at) => (at > most ? at : most), 0n);
console.log(
  JSON.stringify({
    control: control !== 0n,
    damaged,
    intact,
    beyond4GiB: highest + GIB > 4n * GIB && !blocks.includes(0n),
  }),
);
