/**
 * How much memory a recording takes under an allocator in WebAssembly: exact, and the same each time. The allocator's own module is called
 * from JavaScript, so that there is no bound to the recording but memory's, and nothing to link.
 */

import { MeasurementError } from "../base/errors.js";
import { MAXIMUM_PAGES, PAGE_BYTES } from "../lab/arena.js";
import type { Trace } from "../lab/recordings.js";
import { KIND } from "../observe/recording/events.js";

interface Exports {
  readonly malloc: (size: number) => number;
  readonly free: (address: number) => void;
  readonly realloc: (address: number, size: number) => number;
  readonly malloc_prewarm: (size: number, count: number) => number;
  readonly thread_init: (control: number) => number;
  readonly class_stat: (index: number, what: number) => number;
}

/** A fresh heap of an allocator's module, for wasm32. */
export class ReplayHeap {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES });
  readonly exports: Exports;

  /** Throws {@link MeasurementError} when there is no room for it. */
  constructor(module: WebAssembly.Module) {
    const env = { memory: this.memory, hakmem_fail: fail, hakmem_now: () => 0n };
    this.exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    const heap = this.exports.thread_init(0);
    if (heap === 0 || heap === -1) throw new MeasurementError("there is no room for a heap");
  }

  /** Bytes that the heap has taken so far. A memory never shrinks: it is the most, too. */
  get committedBytes(): number {
    return this.memory.buffer.byteLength - PAGE_BYTES;
  }

  /** Makes a recording's calls, up to `end` of them. Throws {@link MeasurementError} when one is refused. */
  replay({ events, slots }: Trace, end = events.length / 2): void {
    const { malloc, free, realloc } = this.exports;
    const blocks = new Uint32Array(slots);
    for (let i = 0; i < 2 * end; i += 2) {
      const word = events[i] ?? 0;
      const size = events[i + 1] ?? 0;
      const slot = word >>> 2;
      const kind = word & 3;
      if (kind === KIND.free) {
        free(blocks[slot] ?? 0);
        continue;
      }
      const block = (kind === KIND.realloc ? realloc(blocks[slot] ?? 0, size) : malloc(size)) >>> 0;
      if (block === 0) throw new MeasurementError(`event ${i / 2}: ${size} bytes were refused; 4 GiB do not suffice`);
      blocks[slot] = block;
    }
  }
}

/** Bytes that the heap has taken when the recording's calls have been made once. */
export function committedBy(module: WebAssembly.Module, trace: Trace): number {
  const heap = new ReplayHeap(module);
  heap.replay(trace);
  return heap.committedBytes;
}

function fail(code: number, pointer: number): never {
  throw new MeasurementError(`the guard found misuse, code ${code}, at address ${pointer >>> 0}`);
}
