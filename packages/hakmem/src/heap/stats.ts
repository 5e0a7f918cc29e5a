/** Figures about a heap, read from the allocator's own metadata. Reading walks that metadata: milliseconds for a large heap. */

import type { Allocator } from "./raw-module.js";

/** Bytes unless said otherwise. Exact while no other thread uses the heap, a close estimate otherwise. */
export interface HeapStats extends Partial<HeapCounts> {
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
export interface ClassStats extends Partial<ClassCounts> {
  /** Size of this class's blocks, in bytes. */
  readonly blockSize: number;
  /** Slabs that belong to the class. */
  readonly slabs: number;
  /** Blocks handed out and not freed. */
  readonly live: number;
  /** Blocks in the caches of threads. */
  readonly cached: number;
}

/** What has been counted since the heap began, where its module was built with a profile of `statistics`. */
export interface HeapCounts {
  /** Blocks handed out that come from no cache. */
  readonly bigAllocated: number;
  /** Bytes that were asked for in such calls. */
  readonly bigRequested: number;
  readonly bigFreed: number;
  /** Times that the memory grew. */
  readonly growths: number;
  /** Slabs that went back to the heap. */
  readonly retirements: number;
  /** The last 1,000 of these, the latest first. */
  readonly retired: readonly Retirement[];
}

/** What has been counted of a size class, where the module was built with a profile of `statistics`. */
export interface ClassCounts {
  /** Blocks handed out. */
  readonly allocated: number;
  /** Bytes that were asked for in these calls; what is more in the blocks is fragmentation. */
  readonly requested: number;
  readonly freed: number;
  /** Times that a thread's cache was filled from a slab. */
  readonly refills: number;
  /** Blocks that a thread sent back to their slabs, and those of them that went to another thread's. */
  readonly sentHome: number;
  readonly remote: number;
  readonly slabsMade: number;
  readonly slabsRetired: number;
  /** Slabs as they are now, by how many of their blocks are in use or cached. */
  readonly slabsFull: number;
  readonly slabsPartial: number;
  readonly slabsEmpty: number;
  /**
   * Averages of 100 retirements each, nine parts history and one new, in thousandths: of slabs made, how many were retired; of blocks
   * freed, how many stayed at hand; of retired slabs, how much was in use.
   */
  readonly retireRatio: number;
  readonly freeHits: number;
  readonly utilisation: number;
}

/** A slab that went back to the heap. */
export interface Retirement {
  /** When, in nanoseconds since 1970. */
  readonly time: number;
  /** How long it had been a slab, in nanoseconds. */
  readonly age: number;
  readonly blockSize: number;
  /** How much of it had been in use, in thousandths. */
  readonly used: number;
  /** Its number: its address divided by the size of a page. */
  readonly page: number;
}

/** What `heap_stat` is asked for. */
export const HEAP_STAT = { committed: 0, live: 1, cached: 2, threads: 3, free: 4, metadata: 5 } as const;
/** What `counter` is asked for: see native/statistics.h. */
const HEAP_COUNTER = { bigAllocated: 0, bigRequested: 1, bigFreed: 2, growths: 3, retirements: 6 } as const;
const CLASS_COUNTER = {
  allocated: 16,
  requested: 17,
  freed: 18,
  refills: 0,
  sentHome: 1,
  remote: 2,
  slabsMade: 3,
  slabsRetired: 4,
  slabsFull: 20,
  slabsPartial: 21,
  slabsEmpty: 22,
  retireRatio: 5,
  freeHits: 6,
  utilisation: 7,
} as const;
const OF_HEAP = 2 ** 32 - 1;
const RETIREMENT = { time: 0, age: 1, blockSize: 2, used: 3, page: 4 } as const;
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
    ...readCounts(allocator),
  };
}

function readCounts(allocator: Allocator): Partial<HeapCounts> {
  const counts = countersOf<keyof typeof HEAP_COUNTER>(allocator, OF_HEAP, HEAP_COUNTER);
  if (counts === undefined) return {};
  const retired: Retirement[] = [];
  for (let back = 0; allocator.retirement(back, RETIREMENT.time) !== 0; back++)
    retired.push(mapValues<keyof Retirement>(RETIREMENT, (what) => allocator.retirement(back, what)));
  return { ...counts, retired };
}

/** Undefined where nothing is counted. */
function countersOf<Name extends string>(
  allocator: Allocator,
  index: number,
  counters: Readonly<Record<Name, number>>,
): Record<Name, number> | undefined {
  if (allocator.counter(index, 0) === undefined) return undefined;
  return mapValues(counters, (what) => allocator.counter(index, what) ?? 0);
}

function mapValues<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  value: (number: number) => number,
): Record<Name, number> {
  const entries = Object.entries<number>(numbers).map(([name, number]) => [name, value(number)] as const);
  return Object.fromEntries(entries) as Record<Name, number>;
}

function readClasses(allocator: Allocator): ClassStats[] {
  const classes: ClassStats[] = [];
  for (let index = 0; ; index++) {
    const figure = (what: keyof typeof CLASS_STAT): number => allocator.classStat(index, CLASS_STAT[what]);
    const blockSize = figure("blockSize");
    if (blockSize === 0) return classes;
    const counts = countersOf<keyof ClassCounts>(allocator, index, CLASS_COUNTER);
    classes.push({ blockSize, slabs: figure("slabs"), live: figure("live"), cached: figure("cached"), ...counts });
  }
}
