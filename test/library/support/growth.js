// @ts-check
/**
 * Two agents on one heap: one makes it grow, round after round, and hands its blocks to the other, which never goes back to its
 * event loop meanwhile, and so is told of the growth by nothing but the library. Runs in every engine: imports the library alone.
 */

import { attachHeap, createHeap } from "../../../packages/hakmem/dist/index.js";

/** Fields of the box, a shared buffer of its own. */
const ROUND = 0;
const ANSWER = 1;
const POINTER = 2;
const SIZE = 3;
const BOX_BYTES = 64;

const ROUNDS = 12;
const LEAST = 200_000;
const STEP = 300_007;

/** @param {number} round */
function byteOf(round) {
  return (round * 7 + 3) & 0xff;
}

/**
 * Makes the heap's memory one whose buffer follows its growth, where the engine has such.
 * @param {import("hakmem").Heap} heap
 */
function makeResizable(heap) {
  /** @type {any} */ (heap.memory).toResizableBuffer?.();
}

/**
 * Makes memory grow and hands blocks over.
 * @param {{ handle: import("hakmem").HeapHandle, box: SharedArrayBuffer, resizable: boolean }} task
 */
export function grow({ handle, box, resizable }) {
  const heap = attachHeap(handle);
  if (resizable) makeResizable(heap);
  const fields = new Float64Array(box);
  const turns = new Int32Array(box, 32);
  for (let round = 1; round <= ROUNDS; ++round) {
    const size = LEAST + round * STEP;
    const pointer = heap.malloc(size);
    heap.view(Uint8Array, pointer, size).fill(byteOf(round));
    fields[POINTER] = pointer;
    fields[SIZE] = size;
    Atomics.store(turns, ROUND, round);
    while (Atomics.load(turns, ANSWER) !== round) Atomics.wait(turns, ANSWER, round - 1);
  }
  heap.close();
}

/**
 * Uses each block in every way that the library has, right when it comes; returns what was wrong, one line each.
 * @param {import("hakmem").Heap} heap
 * @param {SharedArrayBuffer} box
 * @param {boolean} resizable
 * @returns {string[]}
 */
function observe(heap, box, resizable) {
  /** @type {Set<string>} */
  const wrong = new Set();
  if (resizable) makeResizable(heap);
  const fields = new Float64Array(box);
  const turns = new Int32Array(box, 32);
  const kept = heap.alloc(Uint32Array, 1000).fill(0xabcdef);
  /** @type {number[]} */
  const blocks = [];
  for (let round = 1; round <= ROUNDS; ++round) {
    while (Atomics.load(turns, ROUND) !== round) {
      // Nothing is called here that would tell this agent of anything.
    }
    const pointer = fields[POINTER] ?? 0;
    const size = fields[SIZE] ?? 0;
    const last = pointer + size - 1;
    const byte = byteOf(round);
    /** @type {Record<string, () => boolean>} */
    const uses = {
      u8: () => heap.u8[last] === byte,
      i8: () => heap.i8[last] === (byte << 24) >> 24,
      u16: () => heap.u16[(last >>> 1) - 1] === byte * 0x101,
      "u32, written": () => {
        heap.u32[pointer / 4] = round;
        return heap.u32[pointer / 4] === round;
      },
      f64: () => heap.f64.length * 8 > last,
      data: () => heap.data.getUint8(last) === byte,
      view: () => heap.view(Uint8Array, pointer, size)[size - 1] === byte,
      "view, filled": () => {
        const view = heap.view(Uint8Array, pointer, size).fill(byte + 1);
        return view.length === size && view.every((each) => each === ((byte + 1) & 0xff));
      },
      live: () => heap.live(kept).every((element) => element === 0xabcdef),
      alloc: () => {
        const array = heap.alloc(Uint8Array, size);
        array.fill(9);
        const right = array.length === size && array[size - 1] === 9;
        heap.free(array);
        return right;
      },
      realloc: () => {
        const moved = heap.realloc(pointer, size + 100_000);
        blocks.push(moved);
        heap.view(Uint8Array, moved, size + 100_000).fill(1);
        return heap.u8[moved + size + 99_999] === 1;
      },
      "calloc, cleared": () => {
        const cleared = heap.calloc(1, size);
        const right = heap.view(Uint8Array, cleared, size).every((each) => each === 0);
        heap.free(cleared);
        return right;
      },
    };
    for (const [name, use] of Object.entries(uses)) {
      try {
        if (!use()) wrong.add(`${name} is wrong`);
      } catch (error) {
        wrong.add(`${name}: ${String(error)}`);
      }
    }
    Atomics.store(turns, ANSWER, round);
    Atomics.notify(turns, ANSWER);
  }
  for (const block of blocks) heap.free(block);
  heap.free(kept);
  const { live } = heap.stats();
  if (live !== 0) wrong.add(`${live} bytes are lost`);
  return [...wrong];
}

/**
 * Observes heaps of every kind that the engine has. Returns what was wrong, by the kind of heap.
 * @param {(task: Parameters<typeof grow>[0]) => Promise<() => unknown>} start starts an agent that will `grow` the heap of its task;
 *   resolves when it runs, to what waits for its end
 */
export async function observeAll(start) {
  /** @type {Record<string, string[]>} */
  const findings = {};
  for (const memory64 of [false, true]) {
    for (const resizable of [false, true]) {
      const name = `${memory64 ? "64" : "32"} bits, ${resizable ? "growable" : "fixed-length"} buffer`;
      try {
        const heap = await createHeap({ shared: true, maximum: 1024 * 1024 * 1024, memory64 });
        if (resizable && !("toResizableBuffer" in heap.memory)) continue;
        const box = new SharedArrayBuffer(BOX_BYTES);
        const ended = await start({ handle: heap.handle, box, resizable });
        findings[name] = observe(heap, box, resizable);
        await ended();
        heap.close();
      } catch (error) {
        if (/** @type {any} */ (error).code !== "HAKMEM_UNSUPPORTED") findings[name] = [String(error)];
      }
    }
  }
  return findings;
}
