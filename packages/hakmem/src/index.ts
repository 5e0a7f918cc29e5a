/** hakmem: heaps outside of JavaScript's own, which workers can share. Begin with {@link createHeap}. */

export { attachHeap, createHeap, createHeapSync, preload } from "./heap/create.js";
export type { AllocOptions, Float16, TypedArray, TypedArrayConstructor } from "./heap/arguments.js";
export type { HeapHandle } from "./heap/handle.js";
export { Heap } from "./heap/heap.js";
export type { HeapScope } from "./heap/scope.js";
export type { Program, ProgramHost } from "./heap/raw-module.js";
export type { ModuleSource } from "./heap/module-source.js";
export type { AttachOptions, HeapOptions } from "./heap/options.js";
export type { ProfileName } from "./heap/profiles.js";
export type { ClassCounts, ClassStats, HeapCounts, HeapStats, Retirement } from "./heap/stats.js";
export type { HeapProfiling, HeapRecording, ProfileOptions, RecordOptions } from "./heap/observing.js";
export type { MemoryViews } from "./heap/views.js";
export type { ProfileBlock, ProfileData, ProfileMark, ProfileSite } from "./observe/profiler.js";
export type { Frame } from "./observe/stack.js";
export {
  HakmemError,
  HeapClosedError,
  HeapCorruptionError,
  HeapNotSharedError,
  HeapSharedError,
  InvalidArgumentError,
  InvalidHandleError,
  ModuleError,
  NotCrossOriginIsolatedError,
  OutOfMemoryError,
  UnsupportedError,
} from "./errors.js";
export type { CorruptionKind, HakmemErrorCode, HakmemErrorDetails } from "./errors.js";
export type { Address, Bytes, UnknownMemory, WasmImports, WasmMemory, WasmModule } from "./platform.js";
