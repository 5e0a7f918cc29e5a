import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { TIMEOUT_MS, seconds } from "./support/budget.js";
import { buildsWhere, type Build } from "./support/builds.js";
import { Churn } from "./support/churn.js";
import { RawHeap } from "./support/raw-heap.js";

const WORKERS = 3;
const MAILBOXES = 8;
const OPERATIONS = 20_000;
/** Blocks that others have in their hands at the moment, on the way to the cache or out of it, as one looks for one. */
const SPARE = 4 * WORKERS;
const NOTHING_WRONG = { damaged: 0, overlaps: 0 };

describe.each(buildsWhere(({ shared, wide, guard }) => shared && !wide && !guard))("$name at its limit", (build) => {
  const large = { what: "large blocks", size: 100 * 1024, maximumPages: 200 };
  const huge = { what: "huge blocks", size: build.pageSize * 9, maximumPages: 400 };
  const small = { what: "small blocks", size: 1000, maximumPages: 100 };
  const churnOf = ({ size, maximumPages }: typeof large): Churn =>
    new Churn(build, { sizes: [{ least: size, most: size }], mailboxes: MAILBOXES, maximumPages });

  test.each([large, huge])(
    "refuses no $what while there is room for all that the threads hold and ask for",
    async (load) => {
      const churn = churnOf(load);
      const room = capacity(churn, load.size);
      const slots = Math.floor((room - MAILBOXES - SPARE) / WORKERS);
      for (let n = 0; n < WORKERS; ++n) await churn.start("replace", slots);
      await churn.run(OPERATIONS, seconds(0));
      await churn.finish();
      expect(churn.findings).toMatchObject({ ...NOTHING_WRONG, refused: 0 });
      expect(churn.live).toBe(0);
    },
    TIMEOUT_MS,
  );

  test.each([small, large, huge])(
    "refuses $what to threads that race for the last one only when nobody could have it",
    async (load) => {
      const churn = churnOf(load);
      makeHeaps(churn.heap);
      for (let n = 0; n < WORKERS; ++n) await churn.start("fill", 20_000);
      while (churn.findings.refused < WORKERS) await churn.run(1);
      // Nothing was freed, so that what is there now was there when they were refused.
      expect(churn.heap.malloc(load.size)).toBe(0);
      await churn.finish();
      expect(churn.findings).toMatchObject(NOTHING_WRONG);
      expect(churn.live).toBe(0);
    },
    TIMEOUT_MS,
  );
});

describe("a thread that would be refused memory", () => {
  const [build] = buildsWhere(({ name }) => name === "default wasm32-shared") as [Build];
  const SIZE = 2048;
  const TRIALS = 60;

  test(
    "waits for what another one is taking over of a thread that is gone",
    // A thread is patient by turns, and a machine that has other things to do can stop the other one for longer.
    { timeout: TIMEOUT_MS, retry: 3 },
    async () => {
      const heap = RawHeap.create(build, 8192);
      const control = heap.threadInit(0);
      const flag = new Int32Array(new SharedArrayBuffer(4));
      const { module } = build;
      const worker = new Worker(new URL("support/adopt-worker.js", import.meta.url), {
        workerData: { module, memory: heap.memory.memory, control, flag },
      });
      await once(worker, "message");
      // Slabs all over the memory make it take time.
      for (const block of takeAll(heap, 32_768).slice(-64)) heap.free(block);
      heap.trim();
      let untrue = 0;
      for (let trial = 0; trial < TRIALS; ++trial) {
        const gone = heap.join(control);
        const left = [gone.malloc(SIZE), gone.malloc(SIZE)];
        expect(left).not.toContain(0);
        const taken = [SIZE, 1024, 512, 256, 128, 64, 32, 16].flatMap((size) => takeAll(heap, size));
        for (const block of left) heap.free(block);
        heap.trim();
        expect(heap.threadReclaim(gone.threadId)).toBe(1);
        Atomics.store(flag, 0, 2);
        while (Atomics.load(flag, 0) === 2);
        // Sooner or later after the other has begun.
        for (let wait = (trial % 20) * 50; wait > 0; --wait) Atomics.load(flag, 0);
        let block = heap.malloc(SIZE);
        const refused = block === 0;
        while (Atomics.load(flag, 0) === 3);
        if (refused && (block = heap.malloc(SIZE)) !== 0) ++untrue;
        for (const one of taken) heap.free(one);
        heap.free(block);
        heap.trim();
      }
      Atomics.store(flag, 0, 0);
      await once(worker, "exit");
      expect(untrue).toBe(0);
    },
  );
});

/** All blocks of `size` bytes that there are. */
function takeAll(heap: RawHeap, size: number): number[] {
  const blocks: number[] = [];
  for (let block = heap.malloc(size); block !== 0; block = heap.malloc(size)) blocks.push(block);
  return blocks;
}

/** Makes the heaps that the workers will take: the first one may leave no memory for them. */
function makeHeaps(heap: RawHeap): void {
  const control = heap.threadInit(0);
  const threads = Array.from({ length: WORKERS }, () => heap.join(control));
  for (const thread of threads) thread.threadExit();
  heap.trim();
}

/** Blocks that fit the memory beside what the workers need for themselves. */
function capacity({ heap }: Churn, size: number): number {
  const control = heap.threadInit(0);
  const threads = Array.from({ length: WORKERS }, () => heap.join(control));
  const blocks = takeAll(heap, size);
  for (const block of blocks) heap.free(block);
  for (const thread of threads) thread.threadExit();
  heap.trim();
  return blocks.length;
}
