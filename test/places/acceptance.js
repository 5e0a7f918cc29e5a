// @ts-check
/**
 * The same programs everywhere: what the library promises, in steps that work, or end in an error of the library's own where the
 * engine lacks something. Knows nothing of where it runs: it is given the library, and a way to start workers.
 */

/** @typedef {typeof import("hakmem")} Library */
/** @typedef {{ ask(task: object): Promise<any>, terminate(): Promise<unknown> }} Helper a worker that runs `serve` */
/** @typedef {{ library: Library, startWorker: () => Helper }} Place */
/** @typedef {{ name: string, result: string }} Outcome `result` is "ok", the code of a typed error, or begins with "FAILED" */

const MIB = 1024 * 1024;
const BLOCKS = 2000;

/** @type {Record<string, (place: Place) => Promise<void>>} */
const STEPS = {
  "at once": async ({ library: { createHeapSync } }) => {
    const heap = createHeapSync();
    const array = heap.alloc(Float64Array, 100).fill(1.5);
    equal(sum(array), 150);
    heap.free(array);
    equal(heap.stats().live, 0);
    heap.close();
  },

  growth: async ({ library: { createHeap } }) => {
    const heap = await createHeap({ maximum: 256 * MIB });
    const array = heap.alloc(Int32Array, 1000).fill(3);
    const block = heap.malloc(64 * MIB);
    heap.u8[block + 64 * MIB - 1] = 7;
    equal(sum(heap.live(array)), 3000);
    equal(heap.u8[block + 64 * MIB - 1], 7);
    heap.freeAll();
    equal(heap.stats().live, 0);
    heap.close();
  },

  "every profile": async ({ library: { createHeap, createHeapSync, preload, HeapCorruptionError } }) => {
    for (const profile of ["default", "compact", "hardened", "guard"]) {
      await preload({ profile });
      const heap = createHeapSync({ profile });
      const text = heap.allocString("ü€😀");
      equal(heap.readString(heap.pointerOf(text)), "ü€😀");
      heap.free(text);
      heap.close();
    }
    const heap = await createHeap({ profile: "guard" });
    const block = heap.malloc(10);
    heap.u8[block + 10] = 1;
    let kind = "";
    try {
      heap.free(block);
    } catch (error) {
      if (error instanceof HeapCorruptionError) ({ kind } = error);
    }
    equal(kind, "overflow");
  },

  share: async ({ library: { attachHeap, createHeap } }) => {
    const heap = await createHeap({ shared: true, maximum: 256 * MIB });
    const other = attachHeap(heap.handle);
    const block = heap.malloc(1000);
    heap.u8[block] = 9;
    equal(other.u8[block], 9);
    other.free(block);
    other.close();
    equal(heap.stats().threads, 1);
    heap.close();
  },

  "hand over": async ({ library: { createHeap }, startWorker }) => {
    const heap = await createHeap({ shared: true, maximum: 256 * MIB });
    const worker = startWorker();
    await worker.ask({ call: "attach", handle: heap.handle });
    const mine = Array.from({ length: BLOCKS }, (_, n) => filled(heap, n));
    const { theirs, wrong } = await worker.ask({ call: "exchange", blocks: mine });
    equal(wrong, 0);
    equal(theirs.length, BLOCKS);
    for (const [n, block] of theirs.entries()) {
      equal(heap.u32[block >>> 2], n);
      heap.free(block);
    }
    await worker.ask({ call: "close" });
    equal(heap.stats().live, 0);
    equal(heap.stats().threads, 1);
    await worker.terminate();
    heap.close();
  },

  "terminate and reclaim": async ({ library: { createHeap }, startWorker }) => {
    const heap = await createHeap({ shared: true, maximum: 256 * MIB });
    const worker = startWorker();
    const { threadId } = await worker.ask({ call: "attach", handle: heap.handle });
    const { theirs } = await worker.ask({ call: "exchange", blocks: [] });
    await worker.terminate();
    equal(heap.reclaim(threadId), true);
    equal(heap.reclaim(threadId), false);
    for (const block of theirs) heap.free(block);
    heap.trim();
    equal(heap.stats().live, 0);
    equal(heap.stats().threads, 1);
    heap.close();
  },

  "64-bit memory": async ({ library: { createHeap } }) => {
    const heap = await createHeap({ memory64: true });
    const block = heap.malloc(1000);
    heap.u8[block + 999] = 1;
    heap.free(block);
    heap.close();
  },

  close: async ({ library: { createHeap, HeapClosedError } }) => {
    const heap = await createHeap();
    heap.close();
    heap.close();
    let closed = false;
    try {
      heap.malloc(1);
    } catch (error) {
      closed = error instanceof HeapClosedError;
    }
    equal(closed, true);
  },
};

/** Names of all steps. */
export const STEP_NAMES = Object.keys(STEPS);

/**
 * Runs all steps.
 * @param {Place} place
 * @returns {Promise<Outcome[]>}
 */
export async function accept(place) {
  const outcomes = [];
  for (const [name, step] of Object.entries(STEPS)) outcomes.push({ name, result: await resultOf(step, place) });
  return outcomes;
}

/**
 * @param {(place: Place) => Promise<void>} step
 * @param {Place} place
 */
async function resultOf(step, place) {
  try {
    await step(place);
    return "ok";
  } catch (error) {
    // An engine without something says so by an error of the library's own; everything else is a failure.
    const { code } = /** @type {{ code?: unknown }} */ (error);
    const lacks = code === "HAKMEM_UNSUPPORTED" || code === "HAKMEM_NOT_CROSS_ORIGIN_ISOLATED";
    return lacks ? String(code) : `FAILED: ${String(error)}`;
  }
}

/**
 * What a worker answers to a task.
 * @param {Library} library
 * @returns {(task: any) => object}
 */
export function serve({ attachHeap }) {
  /** @type {import("hakmem").Heap | undefined} */
  let heap;
  return (task) => {
    if (task.call === "attach") {
      heap = attachHeap(task.handle);
      return { threadId: heap.threadId };
    }
    if (heap === undefined) throw new Error("a worker that has no heap was asked for more than to attach to one");
    if (task.call === "close") {
      heap.close();
      return {};
    }
    let wrong = 0;
    for (const [n, block] of task.blocks.entries()) {
      if (heap.u32[block >>> 2] !== n) wrong++;
      heap.free(block);
    }
    const own = heap;
    return { wrong, theirs: Array.from({ length: BLOCKS }, (_, n) => filled(own, n)) };
  };
}

/**
 * A block that holds its number.
 * @param {import("hakmem").Heap} heap
 * @param {number} n
 */
function filled(heap, n) {
  const block = heap.malloc(4 + ((n * 97) % 5000));
  heap.u32[block >>> 2] = n;
  return block;
}

/** @param {ArrayLike<number>} array */
function sum(array) {
  let total = 0;
  for (let index = 0; index < array.length; index++) total += array[index] ?? 0;
  return total;
}

/**
 * @param {unknown} found
 * @param {unknown} expected
 */
function equal(found, expected) {
  if (found !== expected) throw new Error(`${String(found)} instead of ${String(expected)}`);
}
