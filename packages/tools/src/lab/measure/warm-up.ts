/** Runs code on heaps that are thrown away until the engine has compiled it with its optimising compiler. */

import { setTimeout as sleep } from "node:timers/promises";
import type { SampleRequest } from "./protocol.js";

/**
 * A function is replaced by its optimised version when it is entered, and compiled in the background: so several short calls,
 * with pauses between them.
 */
const CALLS = 8;
const PAUSE_MILLISECONDS = 2;

const warm = new Set<string>();

/** `open` returns a function that runs a number of steps on a fresh heap. Does something only once for a module and workload. */
export async function warmUp(request: SampleRequest, open: () => Promise<(steps: number) => unknown>): Promise<void> {
  const key = [request.workload, request.peer, request.target, request.threads, request.module].join("\n");
  if (warm.has(key)) return;
  warm.add(key);
  const run = await open();
  const steps = Math.ceil(request.steps / 16);
  let spent = 0;
  for (let call = 0; call < CALLS || spent < request.warmupMilliseconds; call++) {
    const begin = performance.now();
    await run(steps);
    spent += performance.now() - begin;
    await sleep(PAUSE_MILLISECONDS);
  }
}
