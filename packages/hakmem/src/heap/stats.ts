/** Figures about a heap, read from the allocator's own metadata. Reading walks that metadata: milliseconds for a large heap. */

import type { Allocator } from "./raw-module.js";

/** Bytes unless said otherwise. Exact while no other thread uses the heap, a close estimate otherwise. */
export interface HeapStats {
  /** In blocks that were handed out and not freed; whole blocks, not the sizes that were asked for. */
  readonly live: number;
  /** Taken from the memory by the heap. It never shrinks: WebAssembly cannot give memory back. */
  readonly committed: number;
  /** In blocks that threads keep at hand for their next allocations. */
  readonly cached: number;
  /** In pages that hold no block: any allocation can use them. */
  readonly free: number;
  /** Used by the allocator's own structures. */
  readonly metadata: number;
  /** Threads attached to the heap and not closed. */
  readonly threads: number;
  /** One entry for each size class, smallest blocks first. */
  readonly classes: readonly ClassStats[];
}

/** Figures about the blocks of one size class. */
export interface ClassStats {
  /** Size of this class's blocks, in bytes. */
  readonly blockSize: number;
  /** Slabs that belong to the class. */
  readonly slabs: number;
  /** Blocks handed out and not freed. */
  readonly live: number;
  /** Blocks in the caches of threads. */
  readonly cached: number;
}

/** What `heap_stat` is asked for. */
export const HEAP_STAT = { committed: 0, live: 1, cached: 2, threads: 3, free: 4, metadata: 5 } as const;
const CLASS_STAT = { blockSize: 0, slabs: 1, live: 2, cached: 3 } as const;

export function committedBytes(allocator: Allocator): number {
  return allocator.heapStat(HEAP_STAT.committed);
}

/** Bytes in pages that hold no block. */
export function freeBytes(allocator: Allocator): number {
  return allocator.heapStat(HEAP_STAT.free);
}

export function readStats(allocator: Allocator): HeapStats {
  const heap = (what: keyof typeof HEAP_STAT): number => allocator.heapStat(HEAP_STAT[what]);
  return {
    live: heap("live"),
    committed: committedBytes(allocator),
    cached: heap("cached"),
    free: freeBytes(allocator),
    metadata: heap("metadata"),
    threads: heap("threads"),
    classes: readClasses(allocator),
  };
}

function readClasses(allocator: Allocator): ClassStats[] {
  const classes: ClassStats[] = [];
  for (let index = 0; ; index++) {
    const figure = (what: keyof typeof CLASS_STAT): number => allocator.classStat(index, CLASS_STAT[what]);
    const blockSize = figure("blockSize");
    if (blockSize === 0) return classes;
    classes.push({ blockSize, slabs: figure("slabs"), live: figure("live"), cached: figure("cached") });
  }
}
