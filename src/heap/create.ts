/** How heaps begin: made anew, or attached to from another thread. */

import { OutOfMemoryError } from "../errors.js";
import { checkHandle, refuseHandle, type HeapHandle } from "./handle.js";
import type { Heap } from "./heap.js";
import { Heap32 } from "./heap32.js";
import { loadModule, loadModuleSync } from "./module-source.js";
import { WASM_PAGE, planHeap, type HeapOptions, type HeapPlan } from "./options.js";
import { instantiate, type RawExports } from "./raw-module.js";
import { committedBytes } from "./stats.js";

/**
 * Makes a heap in a new memory. Asynchronous, because a browser has to fetch and compile the allocator; once that is done for
 * one heap, the next of the same kind waits for nothing.
 *
 * Rejects with `InvalidArgumentError` for wrong options, `NotCrossOriginIsolatedError` for a shared heap on a page that cannot
 * share memory, `ModuleError` when the allocator cannot be loaded, `OutOfMemoryError` when the memory cannot be had.
 */
export async function createHeap(options: HeapOptions = {}): Promise<Heap> {
  const plan = planHeap(options);
  return makeHeap(plan, await loadModule(plan.module));
}

/**
 * As {@link createHeap}, but at once. Possible in Node (from 20.16, or 22.3), and everywhere with the option `module` as a
 * compiled module or bytes.
 * @throws the errors that `createHeap` rejects with
 */
export function createHeapSync(options: HeapOptions = {}): Heap {
  const plan = planHeap(options);
  return makeHeap(plan, loadModuleSync(plan.module));
}

/**
 * Attaches the calling thread to a shared heap. Synchronous everywhere: the handle brings the compiled module along.
 * Close the heap before the thread ends, so that what its caches hold is not lost to the others.
 * @param handle the `handle` of a shared heap, out of `postMessage` or `workerData`
 * @throws {InvalidHandleError} when it is none, or one of another version or configuration
 * @throws {OutOfMemoryError} when the heap has no room for one more thread
 */
export function attachHeap(handle: HeapHandle): Heap {
  const { memory, module, control, profile, configHash } = checkHandle(handle);
  const instance = instantiate(module, memory);
  const ownHash = instance.exports.config_hash() >>> 0;
  if (ownHash !== configHash) {
    refuseHandle(handle, `handle.configHash is ${configHash}, but that of the handle's module is ${ownHash}`);
  }
  if (control >= memory.buffer.byteLength) {
    refuseHandle(
      handle,
      `handle.control is ${control}, which is beyond the memory of ${memory.buffer.byteLength} bytes`,
    );
  }
  const committed = instance.exports.thread_init(control) >>> 0;
  if (committed !== control) {
    refuseHandle(handle, `the memory holds no heap of this configuration at handle.control, ${control}, or it is full`);
  }
  return new Heap32({ instance, memory, module, control, profile, shared: true });
}

function makeHeap(plan: HeapPlan, module: WebAssembly.Module): Heap {
  const { shared, profile, initial } = plan;
  const memory = makeMemory(plan);
  const instance = instantiate(module, memory);
  const control = instance.exports.thread_init(0) >>> 0;
  if (control === 0) refuseMemory("maximum", plan.maximumPages * WASM_PAGE, "is too little for the heap to begin");
  if (!reserve(instance.exports, initial)) refuseMemory("initial", initial, "cannot be had");
  return new Heap32({ instance, memory, module, control, profile, shared });
}

function makeMemory({ shared, maximumPages }: HeapPlan): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 0, maximum: maximumPages, shared });
  } catch (cause) {
    return refuseMemory(
      "maximum",
      maximumPages * WASM_PAGE,
      `is more than this system gives (${String(cause)})`,
      cause,
    );
  }
}

/** Makes the heap take at least `bytes` from its memory, as far as the maximum allows. */
function reserve(raw: RawExports, bytes: number): boolean {
  const blocks: number[] = [];
  for (let size = bytes - committedBytes(raw); size >= WASM_PAGE;) {
    const block = raw.malloc(size);
    if (block === 0) {
      size = Math.floor(size / 2);
    } else {
      blocks.push(block);
      size = Math.min(size, bytes - committedBytes(raw));
    }
  }
  for (const block of blocks) raw.free(block);
  return bytes === 0 || blocks.length > 0 || committedBytes(raw) >= bytes;
}

function refuseMemory(argument: "initial" | "maximum", value: number, what: string, cause?: unknown): never {
  throw new OutOfMemoryError({
    problem: `${argument} of ${value} bytes ${what}`,
    remedy:
      argument === "initial"
        ? "Lower initial, or close heaps that are no longer used."
        : "Choose another maximum, a smaller one where the system refuses and one of some MiB where the heap does.",
    argument,
    value,
    cause,
  });
}
