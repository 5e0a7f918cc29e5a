/** A worker that is a thread of a bare program: an instance of its own, on the memory of all, with a stack of its own. */

import { parentPort, workerData } from "node:worker_threads";

const { module, memory, stackEnd, seed, steps } = workerData;
const { test, take, give, leave, id, __stack_pointer } = new WebAssembly.Instance(module, { env: { memory } }).exports;
__stack_pointer.value = stackEnd;
give(take(1));
parentPort.postMessage({ id: id() });
const result = test(steps, seed);
leave();
parentPort.postMessage({ result });
