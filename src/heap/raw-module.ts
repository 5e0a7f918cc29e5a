/**
 * The allocator's module as JavaScript sees it: its exports by their C names, and how an instance is made.
 *
 * Addresses and sizes are numbers here. The module's i32 results are signed; whoever calls a function that returns an address
 * or a size applies `>>> 0`.
 */

import { HeapCorruptionError, ModuleError, hex, type CorruptionKind } from "../errors.js";

/** The exports that the library calls. `usize` is an unsigned 32-bit number going in and a signed one coming out. */
export interface RawExports {
  malloc(size: number): number;
  free(pointer: number): void;
  calloc(count: number, size: number): number;
  realloc(pointer: number, size: number): number;
  aligned_alloc(alignment: number, size: number): number;
  malloc_usable_size(pointer: number): number;
  malloc_trim(pad: number): number;
  malloc_prewarm(size: number, count: number): number;
  thread_init(control: number): number;
  thread_exit(): void;
  thread_id(): number;
  thread_reclaim(id: number): number;
  heap_stat(what: number): number;
  class_stat(index: number, what: number): number;
  config_hash(): number;
}

const EXPORT_NAMES: readonly (keyof RawExports)[] = [
  "malloc",
  "free",
  "calloc",
  "realloc",
  "aligned_alloc",
  "malloc_usable_size",
  "malloc_trim",
  "malloc_prewarm",
  "thread_init",
  "thread_exit",
  "thread_id",
  "thread_reclaim",
  "heap_stat",
  "class_stat",
  "config_hash",
];

export interface RawInstance {
  readonly exports: RawExports;
  /** Has `listener` told of corruption that the `guard` profile finds, right before the call that found it throws. */
  onCorruption(listener: (error: HeapCorruptionError) => void): void;
}

/**
 * Instantiates `module` over `memory`. The instance belongs to the calling thread and may not allocate before `thread_init`.
 * @throws {ModuleError} when the module does not accept the memory or is no allocator
 */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): RawInstance {
  let tell = (_: HeapCorruptionError): void => undefined;
  const fail = (code: number, pointer: number): never => {
    const error = corruption(code, pointer >>> 0);
    tell(error);
    throw error;
  };
  return {
    exports: link(module, { env: { memory, hakmem_fail: fail } }),
    onCorruption: (listener) => {
      tell = listener;
    },
  };
}

function link(module: WebAssembly.Module, imports: WebAssembly.Imports): RawExports {
  let exports: WebAssembly.Exports;
  try {
    exports = new WebAssembly.Instance(module, imports).exports;
  } catch (cause) {
    throw new ModuleError({
      problem: `the module cannot be linked to the heap's memory (${String(cause)})`,
      remedy: "Pass a module that was built for this kind of memory: a wasm32-shared one exactly when shared is true.",
      argument: "module",
      value: module,
      cause,
    });
  }
  for (const name of EXPORT_NAMES) {
    if (typeof exports[name] !== "function") {
      throw new ModuleError({
        problem: `the module does not export the function ${name}`,
        remedy: 'Pass a module that "npm run build" or "hakmem build" made with this version of the package.',
        argument: "module",
        value: module,
      });
    }
  }
  return exports as unknown as RawExports;
}

/** What `env.hakmem_fail` means by its codes, from 1. */
const CORRUPTIONS: readonly { readonly kind: CorruptionKind; readonly says: string; readonly remedy: string }[] = [
  {
    kind: "double free",
    says: "was freed twice",
    remedy: "Find the second owner of the block, and set its pointer to 0 where the first one frees it.",
  },
  {
    kind: "foreign pointer",
    says: "is not an address that this heap handed out",
    remedy: "Free a pointer with the heap that allocated it, and only what an allocating call returned.",
  },
  {
    kind: "interior pointer",
    says: "points into a block, not at its beginning",
    remedy: "Keep the address that the allocating call returned, and free that.",
  },
  {
    kind: "corrupted free list",
    says: "is in a free list that was overwritten",
    remedy: "Look for a write beyond the end of a neighbouring block or through a pointer that was already freed.",
  },
  {
    kind: "use after free",
    says: "was written to after it was freed",
    remedy: "Find who keeps using the block, and free it only when nobody does.",
  },
  {
    kind: "wrong size",
    says: "was freed with a size that is not the one it was allocated with",
    remedy: "Pass the size of the allocating call, or use free, which needs none.",
  },
];

function corruption(code: number, pointer: number): HeapCorruptionError {
  const { kind, says, remedy } = CORRUPTIONS[code - 1] ?? {
    kind: "unknown" as const,
    says: `failed the check with the unknown code ${code}`,
    remedy: "Use a module that was built with this version of the package.",
  };
  return new HeapCorruptionError(kind, pointer, { problem: `${kind}: the block at ${hex(pointer)} ${says}`, remedy });
}
