/**
 * What a thread learns of how each size class is used, and what it does about it (S15). Builds whose profile has `learner` alone.
 *
 * Nothing is counted on the fast paths. The slow ones tell of blocks that are taken out of slabs and come back to them, and of slabs
 * that are made and given back. Every WINDOW of such events a class's averages move: nine parts what they were, one part what was seen.
 *
 *   average       of the window                                              high                        low
 *   retireRatio   slabs given back, of those made                            keep empty slabs            carve more at once
 *   freeHits      blocks that did not come back, of those taken from slabs   bound the magazine          lengthen it faster
 *   utilisation   the most that was in use of slabs given back               carve more at once
 *
 * A record belongs to the thread that has the heap, as its bins do, and is written in operations only. Whatever it says, the
 * heap is in order; so nothing needs mending when an operation does not end.
 */

import { Learnt, learnt } from "./thread";

/** Events of a class after which its averages move. */
const WINDOW: u32 = 16;
const THOUSAND: u32 = 1000;
/** What is high and what is low, in thousandths. */
const HIGH: u32 = 750;
const LOW: u32 = 250;

/** Empty slabs that a class keeps beside the last one when slabs come and go. */
const KEEP: u32 = 3;
/** Four times as much is carved at once of what will be used anyway, and at least so many blocks. */
const CARVE_SHIFT: u32 = 2;
const CARVE_LEAST: u32 = 8;

/** `count` blocks of a class were taken out of a slab. */
export function learnTaken(heap: usize, cls: u32, count: u32): void {
  const record = learnt(heap, cls);
  record.taken += count;
  endEvent(record);
}

/** `count` blocks of a class have gone home. */
export function learnHome(heap: usize, cls: u32, count: u32): void {
  const record = learnt(heap, cls);
  record.home += count;
  endEvent(record);
}

/** A slab was made. */
export function learnMade(heap: usize, cls: u32): void {
  ++learnt(heap, cls).made;
}

/** A slab of `capacity` blocks, of which `used` had been carved, is given back. */
export function learnRetired(heap: usize, cls: u32, used: u32, capacity: u32): void {
  const record = learnt(heap, cls);
  ++record.retired;
  record.used += (used * THOUSAND) / capacity;
  endEvent(record);
}

function endEvent(record: Learnt): void {
  if (++record.events < WINDOW) return;
  const made = record.made;
  const retired = record.retired;
  const taken = record.taken;
  const home = record.home;
  if (made + retired)
    record.retireRatio = average(record.retireRatio, retired < made ? (retired * THOUSAND) / made : THOUSAND);
  if (taken + home) record.freeHits = average(record.freeHits, home < taken ? ((taken - home) * THOUSAND) / taken : 0);
  if (retired) record.utilisation = average(record.utilisation, record.used / retired);
  record.events = 0;
  record.made = 0;
  record.retired = 0;
  record.taken = 0;
  record.home = 0;
  record.used = 0;
}

function average(before: u32, seen: u32): u32 {
  return (before * 9 + seen) / 10;
}

/** Blocks of a class that are carved at once, where `usual` of them would be. */
export function learntCarve(heap: usize, cls: u32, usual: u32): u32 {
  const record = learnt(heap, cls);
  return record.retireRatio < LOW || record.utilisation > HIGH ? max(usual << CARVE_SHIFT, CARVE_LEAST) : usual;
}

/** What the magazines of a class, which has to be refilled by `carved` blocks at a time, should hold, where they hold `now`. */
export function learntMagazine(heap: usize, cls: u32, now: u32, carved: u32): u32 {
  const hits = learnt(heap, cls).freeHits;
  if (hits > HIGH) return now > carved ? now >> 1 : min(now << 1, carved);
  return hits < LOW ? now << 2 : now << 1;
}

/** Whether a slab of a class that is empty is kept, because others would soon be made. */
export function keepsEmpty(heap: usize, cls: u32): bool {
  const record = learnt(heap, cls);
  if (record.retireRatio <= HIGH || record.kept >= KEEP) return false;
  ++record.kept;
  return true;
}

/** A slab of which nothing was in use is taken from; or, with `all`, every empty one has gone. */
export function forgetKept(heap: usize, cls: u32, all: bool): void {
  const record = learnt(heap, cls);
  if (all) record.kept = 0;
  else if (record.kept) --record.kept;
}
