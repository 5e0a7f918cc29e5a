/** The handle of a shared heap: what another thread needs to attach to it, in a form that `postMessage` carries. */

import type { WasmMemory, WasmModule } from "../platform.js";
import { InvalidHandleError, describe, type HakmemErrorDetails } from "../errors.js";
import { isWhole } from "./arguments.js";
import { WIDTH_32, WIDTH_64 } from "./width.js";

const FORMAT = "hakmem-heap";

/** Raised whenever a handle of before could not be attached to. */
const VERSION = 1;

/**
 * Plain data and two WebAssembly objects: send it with `postMessage` or as `workerData`, as it is, and give what arrives to
 * `attachHeap`. It stays good for as long as the memory lives, also after the thread that made the heap has closed its own.
 */
export interface HeapHandle {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly memory: WasmMemory;
  /** Compiled, so that attaching fetches and compiles nothing. */
  readonly module: WasmModule;
  /** Address of the heap in the memory. */
  readonly control: number;
  readonly profile: string;
  readonly memory64: boolean;
  /** What all instances on one heap must agree on, as the module computed it. */
  readonly configHash: number;
}

export function makeHandle(parts: Omit<HeapHandle, "format" | "version">): HeapHandle {
  const { memory, module, control, profile, memory64, configHash } = parts;
  return { format: FORMAT, version: VERSION, memory, module, control, profile, memory64, configHash };
}

/**
 * Returns `value` if it is a handle that this version can attach to.
 * @throws {InvalidHandleError} saying what is wrong with it
 */
export function checkHandle(value: unknown): HeapHandle {
  if (typeof value !== "object" || value === null || (value as Partial<HeapHandle>).format !== FORMAT) {
    throw new InvalidHandleError({
      problem: `handle must be the handle of a shared heap, but it is ${describe(value)}`,
      remedy: "Pass the handle property of a shared heap, as it came out of postMessage.",
      argument: "handle",
      value,
    });
  }
  const handle = value as { readonly [K in keyof HeapHandle]: unknown };
  if (handle.version !== VERSION) {
    refuse("version", handle.version, `${VERSION}`, "Use the same version of hakmem in every thread.");
  }
  const { memory, module, control, profile, memory64, configHash } = handle;
  if (!(memory instanceof WebAssembly.Memory) || !isSharedBuffer(memory.buffer)) {
    refuse("memory", memory, "a shared WebAssembly.Memory", COPIED);
  }
  if (!(module instanceof WebAssembly.Module)) refuse("module", module, "a WebAssembly.Module", COPIED);
  if (!isWhole(control, WIDTH_64.largest) || control === 0) refuse("control", control, "an address", COPIED);
  if (typeof profile !== "string") refuse("profile", profile, "a name", COPIED);
  if (typeof memory64 !== "boolean") refuse("memory64", memory64, "true or false", COPIED);
  if (!isWhole(configHash, WIDTH_32.largest)) refuse("configHash", configHash, "an unsigned 32-bit number", COPIED);
  return value as HeapHandle;
}

/** Refuses a handle that looks right but does not lead to a heap that its module can use. */
export function refuseHandle(handle: HeapHandle, problem: string): never {
  throw new InvalidHandleError({ problem, remedy: COPIED, argument: "handle", value: handle });
}

export function isSharedBuffer(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer === "function" && buffer instanceof SharedArrayBuffer;
}

const COPIED = "Send the handle with postMessage as it is, and change nothing in it.";

function refuse(field: keyof HeapHandle, value: unknown, rule: string, remedy: string): never {
  const details: HakmemErrorDetails = {
    problem: `handle.${field} must be ${rule}, but it is ${describe(value)}`,
    remedy,
    argument: `handle.${field}`,
    value,
  };
  throw new InvalidHandleError(details);
}
