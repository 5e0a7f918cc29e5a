/**
 * Views of the whole memory that follow its growth.
 *
 * A private memory that grows detaches its buffer: every view of it becomes empty, and one load shows it.
 *
 * A shared memory that grows leaves old views alive, but too short for what was added. Its `buffer` cannot be asked: when
 * another thread has grown the memory, an engine tells this one at its next interrupt, which may come after this thread has
 * read, in the same memory, a pointer into what was added. So the heap is asked how much it has taken, which it counts in
 * the memory itself before it hands any of it out; and growing by nothing brings the new buffer at once.
 */

import type { Allocator, RawInstance } from "./raw-module.js";
import { HEAP_STAT } from "./stats.js";

/** One view of the whole memory for each type of element; an element's index is its address divided by its size. */
export interface MemoryViews {
  /** The memory as signed bytes, indexed by address. */
  readonly i8: Int8Array;
  /** The memory as bytes, indexed by address. */
  readonly u8: Uint8Array;
  /** The memory as signed 16-bit numbers, indexed by address / 2. */
  readonly i16: Int16Array;
  /** The memory as unsigned 16-bit numbers, indexed by address / 2. */
  readonly u16: Uint16Array;
  /** The memory as signed 32-bit numbers, indexed by address / 4. */
  readonly i32: Int32Array;
  /** The memory as unsigned 32-bit numbers, indexed by address / 4. */
  readonly u32: Uint32Array;
  /** The memory as signed 64-bit numbers, indexed by address / 8. */
  readonly i64: BigInt64Array;
  /** The memory as unsigned 64-bit numbers, indexed by address / 8. */
  readonly u64: BigUint64Array;
  /** The memory as 32-bit floats, indexed by address / 4. */
  readonly f32: Float32Array;
  /** The memory as 64-bit floats, indexed by address / 8. */
  readonly f64: Float64Array;
  /** The memory for unaligned and big-endian access. */
  readonly data: DataView;
}

export class LiveViews implements MemoryViews {
  readonly #memory: WebAssembly.Memory;
  readonly #shared: boolean;
  readonly #allocator: Allocator;
  /** 0 as this memory's `grow` takes it. */
  readonly #nothing: number | bigint;
  #committed = 0;
  #buffer!: ArrayBufferLike;
  i8!: Int8Array;
  u8!: Uint8Array;
  i16!: Int16Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  i64!: BigInt64Array;
  u64!: BigUint64Array;
  f32!: Float32Array;
  f64!: Float64Array;
  data!: DataView;
  #f16: unknown;

  constructor(memory: WebAssembly.Memory, shared: boolean, { allocator, width }: RawInstance<number | bigint>) {
    this.#memory = memory;
    this.#shared = shared;
    this.#allocator = allocator;
    this.#nothing = width.toWord(0);
    this.#renew();
  }

  /** These views, made anew if the memory has grown since. */
  current(): this {
    if (this.#shared ? this.#allocator.heapStat(HEAP_STAT.committed) !== this.#committed : this.u8.length === 0)
      this.#renew();
    return this;
  }

  /** The memory as 16-bit floats; undefined in an engine that has no arrays of them. */
  get f16(): unknown {
    const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => ArrayBufferView };
    if (Float16Array !== undefined) this.#f16 ??= new Float16Array(this.buffer);
    return this.#f16;
  }

  /** The buffer of the whole memory. */
  get buffer(): ArrayBufferLike {
    return this.current().#buffer;
  }

  #renew(): void {
    if (this.#shared) {
      this.#committed = this.#allocator.heapStat(HEAP_STAT.committed);
      this.#memory.grow(this.#nothing as number);
    }
    const { buffer } = this.#memory;
    this.#buffer = buffer;
    this.i8 = new Int8Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.data = new DataView(buffer);
    this.#f16 = undefined;
  }
}
