/**
 * Lazy release: memory that nobody uses is kept for reuse and given back to the platform late.
 *
 * Twice in the time limit all SuperSlabs are looked at. Pages that were free at the last look and are free now go back; which those were
 * is a bit each (a clock's second hand, instead of a time for each page). One that was used in between and freed again looks as idle, and
 * goes back too soon: once in half of the time limit, which costs less than to note each use. SuperSlabs that are empty, beyond the
 * limits of count and bytes, go at once, from the highest addresses on, which are used again last. Going back does not change a page's
 * state in the pool: it stays available, and reads as zero from then on.
 *
 * Who releases memory looks; and a thread of the library's own, if the operator has asked for one, since a program may sleep, or live in its
 * caches (native/threads.h).
 *
 * On WebAssembly nothing can go back; pages are available to any later use as soon as they are released, and none of
 * this is compiled.
 */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { PAGE_SHIFT, PAGE_SIZE, SUPERSLAB_PAGES_SHIFT, SUPERSLAB_SHIFT } from "./config";
import { Control, control, hasHeap, idleOf } from "./control";
import { PURGED_BYTES, PURGES, countOfHeap } from "./counters";
import { releaseJoined } from "./large";
import * as platform from "./platform";
import * as native from "./platform/native";
import {
  availablePages,
  beginClaim,
  claimPages,
  dirtyPages,
  endClaim,
  endSuperslab,
  firstSuperslab,
  markClean,
  ownedPages,
  putPages,
} from "./pool";
import { releaseRuns } from "./runs";

/** What the operator may have set instead of the profile's limits. */
const SETTING_COUNT: i32 = 0;
const SETTING_BYTES: i32 = 1;
const SETTING_MILLISECONDS: i32 = 2;

/** Memory is looked through this many times, as a power of two, in the time that it is kept. */
const LOOKS_SHIFT: u32 = 1;

/** Milliseconds between two looks at the least: a look goes through all SuperSlabs. */
const PAUSE: u32 = 10;

/** SuperSlabs that are kept empty, or pages' worth of them, from which on they are looked after whatever the program does. */
const MUCH: u32 = 8;

/** SuperSlabs that may be kept empty, by count and by bytes. */
function retainedMax(): u32 {
  const bytes = native.setting(SETTING_BYTES, <usize>HK_RETAIN_BYTES);
  return <u32>min<usize>(native.setting(SETTING_COUNT, HK_RETAIN_COUNT), bytes >> SUPERSLAB_SHIFT);
}

/** Gives memory back if a limit is exceeded. Called after memory was released; any thread. */
export function purgeExcess(): void {
  if (!HK_VIRTUAL) return;
  const now = <u32>platform.now();
  if (isDue(offsetof<Control>("lastAging"), now, pause())) purgeIdle();
  const keep = retainedMax();
  const kept = atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("kept"));
  const retained =
    atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("retained")) +
    (kept >> (<u32>SUPERSLAB_PAGES_SHIFT));
  if (retained >= MUCH) native.watch();
  if (retained > keep && isDue(offsetof<Control>("lastPurge"), now, PAUSE)) {
    releaseRuns();
    const count = countEmpty();
    if (count > keep) purgeEmpty(count - keep);
  }
}

/** Milliseconds between two looks for what is idle. */
export function pause(): u32 {
  return max<u32>((<u32>native.setting(SETTING_MILLISECONDS, HK_RETAIN_MS)) >> LOOKS_SHIFT, PAUSE);
}

/**
 * A look that is due whatever the program does. Any thread, also one without a heap.
 * @returns whether so much is kept that another one should follow
 */
export function purgeLook(): bool {
  if (!HK_VIRTUAL || !hasHeap()) return false;
  atomicStore<u32>(changetype<usize>(control) + offsetof<Control>("lastAging"), <u32>platform.now());
  return purgeIdle() >= MUCH << (<u32>SUPERSLAB_PAGES_SHIFT);
}

/**
 * True when the time at `field` of the control block is `pause` ms ago, for one of the threads that ask; the time is now
 * then. Who is told so holds nothing that its death could keep from the others.
 */
function isDue(field: usize, now: u32, pause: u32): bool {
  const address = changetype<usize>(control) + field;
  const last = atomicLoad<u32>(address);
  return now - last >= pause && atomicCas<u32>(address, last, now);
}

/** Gives all free pages back now but `keep` bytes, of the lowest addresses; false when there are no more. Native only. */
export function purgeBeyond(keep: usize): bool {
  let any = false;
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    let pages = availablePages(superslab) & dirtyPages(superslab);
    for (; pages && keep >= PAGE_SIZE; keep -= PAGE_SIZE) pages &= pages - 1;
    if (purgePages(superslab, pages)) any = true;
  }
  return any;
}

/** Gives back what was free at the last look, and is; returns how many free pages are kept. */
function purgeIdle(): u32 {
  releaseRuns();
  releaseJoined();
  // Nothing is to be kept.
  const all = native.setting(SETTING_MILLISECONDS, HK_RETAIN_MS) == 0;
  let kept: u32 = 0;
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    const free = availablePages(superslab) & dirtyPages(superslab);
    // Two that look at a time may take one another's look for the last one: then some goes back too soon.
    const before = atomicLoad<u32>(idleOf(superslab));
    const idle = all ? free : free & before;
    if (before != (free ^ idle)) atomicStore<u32>(idleOf(superslab), free ^ idle);
    if (idle) purgePages(superslab, idle);
    kept += popcnt<u32>(free ^ idle);
  }
  return kept;
}

/** SuperSlabs that are empty and dirty; corrects the count of them. */
function countEmpty(): u32 {
  let count: u32 = 0;
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) if (isEmpty(superslab)) ++count;
  atomicStore<u32>(changetype<usize>(control) + offsetof<Control>("retained"), count);
  return count;
}

/** Gives `count` empty SuperSlabs back. */
function purgeEmpty(count: u32): void {
  const first = firstSuperslab();
  for (let superslab = endSuperslab(); superslab > first && count; --superslab) {
    if (!isEmpty(superslab - 1)) continue;
    purgePages(superslab - 1, availablePages(superslab - 1) & dirtyPages(superslab - 1));
    --count;
  }
}

/** True when all of a SuperSlab is free, and some of it could be given back. */
function isEmpty(superslab: usize): bool {
  const owned = ownedPages(superslab);
  return owned != 0 && availablePages(superslab) == owned && (dirtyPages(superslab) & owned) != 0;
}

/** Gives those pages of a SuperSlab back that are free, each run of them in one call; false when the platform took none. */
function purgePages(superslab: usize, bits: u32): bool {
  let any = false;
  while (bits) {
    const first = ctz<u32>(bits);
    const run = ctz<u32>(~(bits >> first));
    const count: u32 = bits >> first == u32.MAX_VALUE ? 32 : run;
    const page = (superslab << SUPERSLAB_PAGES_SHIFT) + <usize>first;
    // While they are claimed nobody else writes to them, or believes them to be dirty.
    beginClaim();
    const claimed = claimPages(page, count);
    if (claimed) {
      if (platform.purge(page << PAGE_SHIFT, (<usize>count) << PAGE_SHIFT)) {
        markClean(page, count);
        countOfHeap(PURGES, 1);
        countOfHeap(PURGED_BYTES, (<usize>count) << PAGE_SHIFT);
        any = true;
      }
      putPages(page, count, false);
    }
    endClaim(claimed);
    bits &= ~((u32.MAX_VALUE >> (32 - count)) << first);
  }
  return any;
}
