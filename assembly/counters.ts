/**
 * What builds with statistics count, and the history of slabs. In others none of this is compiled.
 *
 *   control block:  heap's counters │ for each class its counters │ retirements, the last 1,000
 *   thread's heap:  for each class what malloc and free count, which nobody else writes (thread.ts)
 *
 * Averages are of windows of 100 retirements: nine parts what they were and one part what was seen (S15).
 */

import { atomicAdd, atomicLoad, atomicStore } from "./atomic";
import { counterAt, eventAt, EVENTS } from "./control";
import * as platform from "./platform";

/** Counters of the heap. */
export const BIG_ALLOCATED: u32 = 0;
export const BIG_REQUESTED: u32 = 1;
export const BIG_FREED: u32 = 2;
export const GROWTHS: u32 = 3;
export const PURGES: u32 = 4;
export const PURGED_BYTES: u32 = 5;
export const RETIREMENTS: u32 = 6;

/** Counters of a class. */
export const REFILLS: u32 = 0;
export const SENT_HOME: u32 = 1;
export const REMOTE: u32 = 2;
export const SLABS_MADE: u32 = 3;
export const SLABS_RETIRED: u32 = 4;
/** In thousandths: of the slabs made, how many were retired; of the blocks freed, how many stayed at hand; of retired slabs, what had been used. */
export const RETIRE_RATIO: u32 = 5;
export const FREE_HITS: u32 = 6;
export const UTILISATION: u32 = 7;
/** What the last window ended with, and what this one has. */
const UTILISATION_SUM: u32 = 8;
const LAST_MADE: u32 = 9;
const LAST_RETIRED: u32 = 10;
const LAST_FREED: u32 = 11;
const LAST_SENT_HOME: u32 = 12;

const WINDOW: u64 = 100;
const THOUSAND: u64 = 1000;

/** Parts of an event. */
export const EVENT_TIME: u32 = 0;
export const EVENT_AGE: u32 = 1;
const EVENT_SLAB: u32 = 2;
/** Number of the event and one, once it is whole; 0 before. */
const EVENT_STAMP: u32 = 3;

/** Counts `by` more of the heap's. */
// @ts-ignore: decorator
@inline
export function countOfHeap(what: u32, by: usize): void {
  if (HK_STATISTICS) atomicAdd<u64>(counterAt(0, what), <u64>by);
}

/** Counts `by` more of a class. */
// @ts-ignore: decorator
@inline
export function countOfClass(cls: u32, what: u32, by: u32): void {
  if (HK_STATISTICS) atomicAdd<u64>(counterAt(cls, what), <u64>by);
}

export function counted(cls: u32, what: u32): u64 {
  return atomicLoad<u64>(counterAt(cls, what));
}

/**
 * A slab goes back to the pool: notes it, in place of the oldest one.
 * @param born when it was made, in ns
 * @param used most blocks that were in use at a time
 * @returns whether a window has ended: then the caller goes through the classes with `endWindow`
 */
export function noteRetired(cls: u32, page: usize, born: u64, used: u32, capacity: u32): bool {
  const now = platform.nanoseconds();
  const number = atomicAdd<u64>(counterAt(0, RETIREMENTS), 1);
  const event = <u32>(number % EVENTS);
  atomicStore<u64>(eventAt(event, EVENT_STAMP), 0);
  store<u64>(eventAt(event, EVENT_TIME), now);
  // Threads' clocks differ a little.
  store<u64>(eventAt(event, EVENT_AGE), now > born ? now - born : 0);
  store<u64>(eventAt(event, EVENT_SLAB), ((<u64>page) << 24) | (((<u64>used * THOUSAND) / capacity) << 8) | cls);
  atomicStore<u64>(eventAt(event, EVENT_STAMP), number + 1);
  countOfClass(cls, SLABS_RETIRED, 1);
  countOfClass(cls, UTILISATION_SUM, <u32>((<u64>used * THOUSAND) / capacity));
  return number % WINDOW == WINDOW - 1;
}

/** What is known of the `back`th slab retired last: `what` 0 its time, 1 its age, in ns; 2 its class, 3 use in thousandths, 4 page. 0 for none. */
export function retired(back: u32, what: u32): u64 {
  const number = counted(0, RETIREMENTS);
  if (<u64>back >= min<u64>(number, EVENTS)) return 0;
  const event = <u32>((number - 1 - back) % EVENTS);
  // One that is being written, or was written over, meanwhile.
  if (atomicLoad<u64>(eventAt(event, EVENT_STAMP)) != number - back) return 0;
  if (what < EVENT_SLAB) return load<u64>(eventAt(event, what));
  const slab = load<u64>(eventAt(event, EVENT_SLAB));
  return what == 2 ? slab & 255 : what == 3 ? (slab >> 8) & 0xffff : slab >> 24;
}

/**
 * Averages what a class has done in the window. Two threads that end windows at a time count some of it twice, or not.
 * @param freed blocks of it that have ever been freed
 */
export function endWindow(cls: u32, freed: u64): void {
  const made = since(cls, LAST_MADE, counted(cls, SLABS_MADE));
  const gone = since(cls, LAST_RETIRED, counted(cls, SLABS_RETIRED));
  const frees = since(cls, LAST_FREED, freed);
  const home = since(cls, LAST_SENT_HOME, counted(cls, SENT_HOME));
  if (made + gone) average(cls, RETIRE_RATIO, gone < made ? (gone * THOUSAND) / made : THOUSAND);
  if (frees) average(cls, FREE_HITS, frees > home ? ((frees - home) * THOUSAND) / frees : 0);
  const sum = counted(cls, UTILISATION_SUM);
  atomicStore<u64>(counterAt(cls, UTILISATION_SUM), 0);
  if (gone) average(cls, UTILISATION, min<u64>(THOUSAND, sum / gone));
}

function since(cls: u32, what: u32, now: u64): u64 {
  const before = counted(cls, what);
  atomicStore<u64>(counterAt(cls, what), now);
  return now > before ? now - before : 0;
}

/** The first value is taken as it is. */
function average(cls: u32, what: u32, seen: u64): void {
  const before = counted(cls, what);
  atomicStore<u64>(counterAt(cls, what), before ? (before * 9 + seen) / 10 : seen);
}
