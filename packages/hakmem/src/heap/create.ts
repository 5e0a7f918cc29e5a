/** How heaps begin: made anew, or attached to from another thread. */

import { InvalidArgumentError, OutOfMemoryError, describe } from "../errors.js";
import { checkHandle, isSharedBuffer, refuseHandle, type HeapHandle } from "./handle.js";
import type { Heap, HeapParts } from "./heap.js";
import { Heap32 } from "./heap32.js";
import { Heap64 } from "./heap64.js";
import { loadModule, loadModuleSync } from "./module-source.js";
import { WASM_PAGE, planAttachment, planHeap, type AttachOptions, type HeapOptions, type HeapPlan } from "./options.js";
import {
  instantiate,
  ofProgram,
  profileOfProgram,
  type Allocator,
  type Program,
  type RawInstance,
} from "./raw-module.js";
import { commit } from "./reserve.js";
import { committedBytes } from "./stats.js";
import { WIDTH_32, WIDTH_64, type Width } from "./width.js";

/**
 * Makes a heap in a new memory. Asynchronous, because a browser has to fetch and compile the allocator; once that is done for
 * one heap, the next of the same kind waits for nothing.
 *
 * Rejects with `InvalidArgumentError` for wrong options, `NotCrossOriginIsolatedError` for a shared heap on a page that cannot
 * share memory, `UnsupportedError` for a 64-bit heap where the engine has none, `ModuleError` when the allocator cannot be loaded,
 * `OutOfMemoryError` when the memory cannot be had.
 */
export async function createHeap(options: HeapOptions = {}): Promise<Heap> {
  const plan = planHeap(options);
  return makeHeap(plan, await loadModule(plan.module));
}

/**
 * As {@link createHeap}, but at once. Possible everywhere with the default profile and 32-bit memories, as far as the engine compiles
 * synchronously; with what was loaded before, by `createHeap` or {@link preload}; with the option `module` as a compiled module or
 * bytes; and with all profiles in Node (from 20.16, or 22.3).
 * @throws the errors that `createHeap` rejects with
 */
export function createHeapSync(options: HeapOptions = {}): Heap {
  const plan = planHeap(options);
  return makeHeap(plan, loadModuleSync(plan.module));
}

/**
 * Loads the allocator for heaps of such options, so that {@link createHeapSync} finds it. Rejects as {@link createHeap} does.
 */
export async function preload(options: HeapOptions = {}): Promise<void> {
  await loadModule(planHeap(options).module);
}

/**
 * Attaches the calling thread to a shared heap. Synchronous everywhere: the handle brings the compiled module along.
 * Close the heap before the thread ends, so that what its caches hold is not lost to the others.
 * @param handle the `handle` of a shared heap, out of `postMessage` or `workerData`
 * @throws {InvalidArgumentError} for wrong options
 * @throws {InvalidHandleError} when it is none, or one of another version or configuration
 * @throws {OutOfMemoryError} when the heap has no room for one more thread
 */
export function attachHeap(handle: HeapHandle, options?: AttachOptions): Heap;
/**
 * Attaches to the heap inside a program that is linked with hakmem.c, compiled with `-DHAKMEM_FOR_JAVASCRIPT`: what one allocates
 * the other may use and free. The heap stays the program's: it has no handle, and `close` leaves all of it as it is.
 * @param program an instance in the calling thread, which has begun to run
 * @throws {InvalidArgumentError} for wrong options, and where `memory` is no memory
 * @throws {ModuleError} when the program has no such heap
 */
export function attachHeap(program: Program, options?: AttachOptions): Heap;
export function attachHeap(handle: HeapHandle | Program, options: AttachOptions = {}): Heap {
  const releaseCollected = planAttachment(options);
  if (isProgram(handle)) return attachProgram(handle, releaseCollected);
  return checkHandle(handle).memory64
    ? attach(handle, WIDTH_64, Heap64, releaseCollected)
    : attach(handle, WIDTH_32, Heap32, releaseCollected);
}

/** A program that calls this may pass anything. */
function isProgram(value: unknown): value is Program {
  return typeof value === "object" && value !== null && "exports" in value;
}

function attachProgram(program: Program, releaseCollected: boolean): Heap {
  const { memory } = program;
  if (!((memory as unknown) instanceof WebAssembly.Memory)) {
    throw new InvalidArgumentError({
      problem: `program.memory must be the WebAssembly.Memory of the program, but it is ${describe(memory)}`,
      remedy: "Pass { exports: instance.exports, memory: instance.exports.memory }.",
      argument: "program.memory",
      value: memory,
    });
  }
  const instance = ofProgram(program, WIDTH_32);
  const control = instance.allocator.threadInit(0);
  if (control === undefined || control === 0) {
    throw new OutOfMemoryError({
      problem: "the program has no memory for a heap",
      remedy: "Link the program with more memory, or let it grow.",
      argument: "program",
    });
  }
  const profile = profileOfProgram(program, WIDTH_32);
  const shared = isSharedBuffer(memory.buffer);
  return new Heap32({
    instance,
    memory,
    module: undefined,
    control,
    profile,
    memory64: false,
    shared,
    releaseCollected,
  });
}

function makeHeap(plan: HeapPlan, module: WebAssembly.Module): Heap {
  return plan.memory64 ? make(plan, module, WIDTH_64, Heap64) : make(plan, module, WIDTH_32, Heap32);
}

/** The class of the heaps over memories of one width. */
type HeapClass<Word extends number | bigint> = new (parts: HeapParts & { instance: RawInstance<Word> }) => Heap;

function attach<Word extends number | bigint>(
  handle: HeapHandle,
  width: Width<Word>,
  HeapOfWidth: HeapClass<Word>,
  releaseCollected: boolean,
): Heap {
  const { memory, module, control, profile, memory64, configHash } = handle;
  const instance = instantiate(module, memory, width);
  const ownHash = instance.allocator.configHash();
  if (ownHash !== configHash) {
    refuseHandle(handle, `handle.configHash is ${configHash}, but that of the handle's module is ${ownHash}`);
  }
  const { byteLength } = memory.buffer;
  if (control >= byteLength) {
    refuseHandle(handle, `handle.control is ${control}, which is beyond the memory of ${byteLength} bytes`);
  }
  const joined = join(instance.allocator, control);
  if (joined === undefined) {
    refuseHandle(handle, `the memory holds no heap of this configuration at handle.control, ${control}`);
  }
  if (joined === 0) {
    throw new OutOfMemoryError({
      problem: `the heap has no room for another thread (it has taken ${committedBytes(instance.allocator)} bytes)`,
      remedy: "Free blocks, close heaps in threads that are done, or create the heap with a larger maximum.",
      argument: "handle",
    });
  }
  return new HeapOfWidth({ instance, memory, module, control, profile, memory64, shared: true, releaseCollected });
}

/**
 * Gives the calling thread its part of the heap at `control`.
 * @returns the address; 0 when there is no room for it, undefined when there is no such heap
 */
function join(allocator: Allocator, control: number): number | undefined {
  try {
    return allocator.threadInit(control);
  } catch {
    // The handle's module is of another width, or what lies there only looks like a heap.
    return undefined;
  }
}

function make<Word extends number | bigint>(
  { shared, memory64, profile, basePages, initial, maximumPages, releaseCollected }: HeapPlan,
  module: WebAssembly.Module,
  width: Width<Word>,
  HeapOfWidth: HeapClass<Word>,
): Heap {
  const maximum = maximumPages * WASM_PAGE;
  const memory = makeMemory(basePages, maximumPages, shared, width);
  const instance = instantiate(module, memory, width);
  const control = instance.allocator.threadInit(0) ?? 0;
  if (control === 0) {
    if (basePages === 0) refuseMemory("maximum", maximum, "is too little for the heap to begin");
    refuseMemory("base", basePages * WASM_PAGE, `leaves too little of ${maximum} bytes for the heap to begin`);
  }
  commit(instance.allocator, initial);
  if (committedBytes(instance.allocator) < initial && memory.buffer.byteLength < maximum) {
    refuseMemory("initial", initial, "cannot be had");
  }
  return new HeapOfWidth({ instance, memory, module, control, profile, memory64, shared, releaseCollected });
}

function makeMemory<Word extends number | bigint>(
  initialPages: number,
  maximumPages: number,
  shared: boolean,
  { toWord, addressBits }: Width<Word>,
): WebAssembly.Memory {
  const descriptor = {
    initial: toWord(initialPages),
    maximum: toWord(maximumPages),
    shared,
    address: addressBits > 32 ? "i64" : "i32",
  };
  try {
    // The types of the language's library know neither `address` nor that the sizes are bigints then.
    return new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
  } catch (cause) {
    return refuseMemory(
      "maximum",
      maximumPages * WASM_PAGE,
      `is more than this system gives (${String(cause)})`,
      cause,
    );
  }
}

function refuseMemory(argument: "base" | "initial" | "maximum", value: number, what: string, cause?: unknown): never {
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
