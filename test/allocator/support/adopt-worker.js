// @ts-check
/** A thread that adopts what others leave when it is told: `flag` is 1 when it is ready, 2 to tell it, 3 as it begins, 0 for the end. */

import { parentPort, workerData } from "node:worker_threads";

/** @type {{ module: WebAssembly.Module, memory: WebAssembly.Memory, control: number, flag: Int32Array }} */
const { module, memory, control, flag } = workerData;
const fail = () => {
  throw new Error("the allocator reports a broken heap");
};
const { thread_init, malloc_trim } = /** @type {Record<string, (argument: number) => number>} */ (
  new WebAssembly.Instance(module, { env: { memory, hakmem_now: () => performance.now(), hakmem_fail: fail } }).exports
);
if (thread_init?.(control) !== control) throw new Error(`no heap could be joined at ${control}`);
Atomics.store(flag, 0, 1);
/** @type {import("node:worker_threads").MessagePort} */ (parentPort).postMessage("ready");
while (Atomics.load(flag, 0) !== 0) {
  if (Atomics.load(flag, 0) !== 2) continue;
  Atomics.store(flag, 0, 3);
  malloc_trim?.(0);
  Atomics.store(flag, 0, 1);
}
