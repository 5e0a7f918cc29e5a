/** What the library imports when a heap is observed, and not before: see `Heap.startProfile` and `Heap.record`. */

export { Profiler } from "./profiler.js";
export { Recorder } from "./recorder.js";
