import { describe, expect, test } from "vitest";
import { TIMEOUT_MS, seconds } from "./support/budget.js";
import { buildsWhere } from "./support/builds.js";
import { Churn } from "./support/churn.js";
import type { RawHeap } from "./support/raw-heap.js";

const WORKERS = 3;
const MAILBOXES = 8;
const OPERATIONS = 20_000;
/** Blocks that others have in their hands at the moment, on the way to the cache or out of it, as one looks for one. */
const SPARE = 4 * WORKERS;
const NOTHING_WRONG = { damaged: 0, overlaps: 0 };

describe.each(buildsWhere(({ shared, wide, guard }) => shared && !wide && !guard))("$name at its limit", (build) => {
  const large = { what: "large blocks", size: build.pageSize, maximumPages: 200 };
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
  const blocks: number[] = [];
  for (let block = heap.malloc(size); block !== 0; block = heap.malloc(size)) blocks.push(block);
  for (const block of blocks) heap.free(block);
  for (const thread of threads) thread.threadExit();
  heap.trim();
  return blocks.length;
}
