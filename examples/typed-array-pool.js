// @ts-check
/**
 * One thread, many short-lived typed arrays: the frames of an audio effect, each with its own length. Allocated from the
 * garbage-collected heap they would keep the collector busy; from a private heap they cost a few nanoseconds and no garbage
 * but the view.
 *
 *   node examples/typed-array-pool.js [--frames 20000]
 */

import { parseArgs } from "node:util";
import { createHeap } from "hakmem";

const { values } = parseArgs({ options: { frames: { type: "string", default: "20000" } } });
const FRAMES = Number(values.frames);
const TAPS = 64;

const heap = await createHeap();

// Long-lived: lives through growth of the memory by way of heap.live().
const kernel = heap.alloc(Float32Array, TAPS);
for (let i = 0; i < TAPS; i++) kernel[i] = Math.exp(-i / 16) / 16;

/** Frames that wait for their turn, oldest first: what keeps several sizes of blocks allocated at once. */
const waiting = [];
const DELAY = 200;

let energy = 0;
for (let frame = 0; frame < FRAMES; frame++) {
  const length = 64 + ((frame * 37) % 960);
  const samples = heap.allocUnsafe(Float32Array, length);
  for (let i = 0; i < length; i++) samples[i] = Math.sin((frame * length + i) / 40);
  waiting.push(samples);
  if (waiting.length > DELAY) energy += filter(/** @type {Float32Array} */ (waiting.shift()));
}
while (waiting.length > 0) energy += filter(/** @type {Float32Array} */ (waiting.shift()));

/** Energy of a frame behind the low-pass filter; frees the frame. @param {Float32Array} frame */
function filter(frame) {
  const input = heap.live(frame);
  const taps = heap.live(kernel);
  let sum = 0;
  for (let i = TAPS; i < input.length; i += 16) {
    let sample = 0;
    for (let tap = 0; tap < TAPS; tap++) sample += input[i - tap] * taps[tap];
    sum += sample * sample;
  }
  heap.free(input);
  return sum;
}

heap.free(kernel);
const { live, committed } = heap.stats();
console.log(`${FRAMES} frames, energy ${energy.toFixed(3)}`);
console.log(`${committed} bytes committed, ${live} still allocated`);
heap.close();
