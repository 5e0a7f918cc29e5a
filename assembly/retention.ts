/**
 * Lazy release: memory that nobody uses is kept for reuse and given back to the platform late.
 *
 * Pages that have lain free for the time limit go back, and so do SuperSlabs beyond the limits of count and bytes, those
 * that have been empty longer than the average first. Going back does not change a page's state in the pool: it stays available, and reads as
 * zero from then on.
 *
 * On WebAssembly nothing can go back; pages are available to any later use as soon as they are released, and none of
 * this is compiled.
 */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { PAGE_SHIFT, PAGE_SIZE, SUPERSLAB_PAGES_SHIFT, SUPERSLAB_SHIFT } from "./config";
import { Control, control } from "./control";
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
  lastRelease,
  markClean,
  ownedPages,
  putPages,
} from "./pool";

/** What the operator may have set instead of the profile's limits. */
const SETTING_COUNT: i32 = 0;
const SETTING_BYTES: i32 = 1;
const SETTING_MILLISECONDS: i32 = 2;

/** Memory is looked through this many times, as a power of two, in the time that it is kept. */
const LOOKS_SHIFT: u32 = 2;

/** Milliseconds between two looks at the least: a look goes through all SuperSlabs. */
const PAUSE: u32 = 10;

/** SuperSlabs that may be kept empty, by count and by bytes. */
function retainedMax(): u32 {
  const bytes = native.setting(SETTING_BYTES, <usize>HK_RETAIN_BYTES);
  return <u32>min<usize>(native.setting(SETTING_COUNT, HK_RETAIN_COUNT), bytes >> SUPERSLAB_SHIFT);
}

/** Gives memory back if a limit is exceeded. Called after memory was released; any thread. */
export function relax(): void {
  if (!HK_VIRTUAL) return;
  const now = <u32>platform.now();
  const age = <u32>native.setting(SETTING_MILLISECONDS, HK_RETAIN_MS);
  if (isDue(offsetof<Control>("lastAging"), now, max<u32>(age >> LOOKS_SHIFT, PAUSE))) {
    releaseJoined();
    purgeOlder(now, age);
  }
  const keep = retainedMax();
  const retained = atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("retained"));
  if (retained > keep && isDue(offsetof<Control>("lastPurge"), now, PAUSE)) {
    const count = countEmpty(now);
    if (count > keep) purgeOldest(now, count - keep, emptyAge / <u64>count);
  }
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

/** Gives free pages back in SuperSlabs where none was released in the last `age` milliseconds. */
function purgeOlder(now: u32, age: u32): void {
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    if ((availablePages(superslab) & dirtyPages(superslab)) == 0) continue;
    if (now - lastRelease(superslab) >= age) purgeSuperslab(superslab);
  }
}

/** Sum of the ages of the SuperSlabs that the last `countEmpty` counted, in milliseconds. */
let emptyAge: u64 = 0;

/** SuperSlabs that are empty and dirty; corrects the count of them. */
function countEmpty(now: u32): u32 {
  let count: u32 = 0;
  emptyAge = 0;
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    if (!isEmpty(superslab)) continue;
    ++count;
    emptyAge += <u64>(now - lastRelease(superslab));
  }
  atomicStore<u32>(changetype<usize>(control) + offsetof<Control>("retained"), count);
  return count;
}

/** Gives `count` empty SuperSlabs back, of those that have been empty for `average` milliseconds or more. */
function purgeOldest(now: u32, count: u32, average: u64): void {
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end && count; ++superslab) {
    if (!isEmpty(superslab) || <u64>(now - lastRelease(superslab)) < average) continue;
    purgeSuperslab(superslab);
    --count;
  }
}

/** True when all of a SuperSlab is free, and some of it could be given back. */
function isEmpty(superslab: usize): bool {
  const owned = ownedPages(superslab);
  return owned != 0 && availablePages(superslab) == owned && (dirtyPages(superslab) & owned) != 0;
}

/** Gives the free pages of a SuperSlab back. */
function purgeSuperslab(superslab: usize): void {
  purgePages(superslab, availablePages(superslab) & dirtyPages(superslab));
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
        any = true;
      }
      putPages(page, count, false);
    }
    endClaim(claimed);
    bits &= ~((u32.MAX_VALUE >> (32 - count)) << first);
  }
  return any;
}
