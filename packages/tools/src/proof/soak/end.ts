/** What must be true when all threads have ended and everything is freed. */

import { PAGE_BYTES } from "../../lab/arena.js";
import type { SoakInstance } from "./instance.js";
import { located, LocatedFault } from "./life.js";
import type { Figures, WasmJob } from "./protocol.js";

/** What `heap_stat` can be asked. */
const STAT = { committed: 0, live: 1, cached: 2, threads: 3, freePages: 4, metadata: 5 } as const;

/**
 * Frees what is left in the mailboxes, and expects nothing to be left in the heap; throws {@link LocatedFault}.
 * @param instance one that has a heap, the only one left
 */
export function checkEnd(instance: SoakInstance, job: WasmJob, lives: number): Figures {
  const thread = job.threads;
  const expectEqual = (found: number, expected: number, what: string): void => {
    if (found !== expected) {
      throw new LocatedFault({ thread, operation: 0, message: `at the end, ${what}: ${found}, expected ${expected}` });
    }
  };
  const sum = (name: "operations" | "refused" | "received" | "claimed"): number => {
    let total = 0;
    for (let each = 0; each <= job.threads; each++) total += instance.figure(name, each);
    return total;
  };
  try {
    instance.begin(thread, job.seed);
    instance.drain();
    instance.checkHeap();
    instance.trim();
  } catch (error) {
    throw located(error, thread, instance.figure("operations", thread));
  }
  const committed = instance.stat(STAT.committed);
  expectEqual(sum("claimed"), 0, "pieces of 16 bytes that somebody has");
  expectEqual(instance.firstClaimed, 0, "address of the first piece that somebody has");
  expectEqual(instance.stat(STAT.live), 0, "live bytes");
  expectEqual(instance.stat(STAT.cached), 0, "cached bytes");
  expectEqual(instance.stat(STAT.threads), 1, "threads");
  expectEqual(instance.stat(STAT.freePages), committed - instance.stat(STAT.metadata), "bytes in free pages");
  expectEqual(Math.max(committed, job.heapPages * PAGE_BYTES), job.heapPages * PAGE_BYTES, "bytes that were committed");
  return {
    operations: sum("operations"),
    refused: sum("refused"),
    received: sum("received"),
    lives,
    peakBytes: committed,
  };
}
