/** The module's functions for a heap that somebody observes. Their names tell a stack where the library begins. */

import type { Observer } from "../observe/observer.js";
import type { RawExports } from "./raw-module.js";
import type { Width } from "./width.js";

const FILTER_MASK = 0xffff;

type Call<Word> = (...words: Word[]) => Word;

/** Who is told, until nobody is: programs keep the functions that they have got. */
export interface Told {
  observer: Observer | undefined;
}

/**
 * As `raw`, telling `told`'s observer. What is freed is told before, and what is allocated after: in between it is another's.
 * @param read what lies at an address of the memory, for the one function that returns a block there
 */
export function observed<Word extends number | bigint>(
  raw: RawExports<Word>,
  { toNumber }: Width<Word>,
  told: Told,
  read: (address: number) => number,
): RawExports<Word> {
  const functions = raw as RawExports<Word> & Readonly<Record<string, unknown>>;
  /** Most calls take no more than this: a subtraction, or one byte of the filter. */
  const seen = (block: Word, size: number, alignment = 0): Word => {
    const { observer } = told;
    if (observer === undefined || toNumber(block) === 0) return block;
    if (size < observer.left) observer.left -= size + 1;
    else observer.allocated(toNumber(block), size, alignment);
    return block;
  };
  const ended = (block: Word): void => {
    const { observer } = told;
    const address = toNumber(block);
    if (observer !== undefined && observer.filter[(address >>> 4) & FILTER_MASK] !== 0 && address !== 0)
      observer.freed(address);
  };
  const resized = (old: Word, block: Word, size: number): Word => {
    if (toNumber(old) === 0) return seen(block, size);
    if (toNumber(block) !== 0) told.observer?.resized(toNumber(old), toNumber(block), size);
    return block;
  };
  /** Those that the library does not call itself, which programs get by `heap.exports`. */
  const other = (name: string): Call<Word> => functions[name] as Call<Word>;
  const others = {
    memalign: function observedMemalign(alignment: Word, size: Word): Word {
      return seen(other("memalign")(alignment, size), toNumber(size), toNumber(alignment));
    },
    posix_memalign: function observedPosixMemalign(out: Word, alignment: Word, size: Word): Word {
      const code = other("posix_memalign")(out, alignment, size);
      if (Number(code) === 0) told.observer?.allocated(read(toNumber(out)), toNumber(size), toNumber(alignment));
      return code;
    },
    reallocarray: function observedReallocarray(old: Word, count: Word, size: Word): Word {
      return resized(old, other("reallocarray")(old, count, size), toNumber(count) * toNumber(size));
    },
    free_sized: function observedFreeSized(block: Word, size: Word): void {
      ended(block);
      other("free_sized")(block, size);
    },
    free_aligned_sized: function observedFreeAlignedSized(block: Word, alignment: Word, size: Word): void {
      ended(block);
      other("free_aligned_sized")(block, alignment, size);
    },
  };
  return {
    ...raw,
    ...Object.fromEntries(Object.entries(others).filter(([name]) => name in functions)),
    malloc: function observedMalloc(size) {
      return seen(raw.malloc(size), toNumber(size));
    },
    free:
      raw.heap_check === undefined
        ? function observedFree(block) {
            ended(block);
            raw.free(block);
          }
        : // A guard keeps what is freed: it is told when nothing was found wrong with it.
          function observedGuardedFree(block) {
            raw.free(block);
            ended(block);
          },
    calloc: function observedCalloc(count, size) {
      return seen(raw.calloc(count, size), toNumber(count) * toNumber(size));
    },
    realloc: function observedRealloc(old, size) {
      return resized(old, raw.realloc(old, size), toNumber(size));
    },
    aligned_alloc: function observedAlignedAlloc(alignment, size) {
      return seen(raw.aligned_alloc(alignment, size), toNumber(size), toNumber(alignment));
    },
    free_all: function observedFreeAll() {
      const done = raw.free_all();
      if (done !== 0) told.observer?.cleared();
      return done;
    },
  };
}
