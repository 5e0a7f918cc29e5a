/**
 * Blocks on their way home, and the slabs of threads that are gone.
 *
 * A block goes back to its slab in batches, when a thread cache overflows. Its own slabs' blocks the thread puts back
 * itself; the others it pushes onto the slab's remote list, one compare-and-swap for a run of blocks of one slab:
 *
 *   slab.remote   63        62 ┄┄┄ 48   47 ┄┄┄┄┄┄┄┄ 0
 *                ┌─────────┬───────────┬─────────────┐
 *                │ pending │   count   │ first block │     0: no remote blocks, and not pending
 *                └─────────┴───────────┴─────────────┘
 *
 * Who sets `pending` pushes the slab onto its owner's stack of pending slabs, so that the owner learns of a full slab
 * that has room again without looking at all of them. Only who takes a slab off a stack clears `pending`; therefore a
 * slab is on one stack at most, and a slab that is pending is not released: the thread that set the flag may still
 * touch it. Everything else may be drained at any time by the owner.
 *
 * The remote list is only pushed to, or taken whole. The stack is pushed to by all, and popped by who owns the heap
 * alone, so that what lies on top when it looks can have got others on top of it, and nothing else: neither has ABA.
 *
 * A list that is on its way home is kept in the heap of who sends it, block by block. A thread that dies leaves in no
 * place: a block or a run of blocks of one slab that it has just taken out of one list for another; the remote list of
 * one slab that it has just taken; and a slab between setting `pending` and the push stays pending for ever: its blocks
 * can still be used, its pages are not released.
 */

import { atomicCas, atomicLoad, atomicStore } from "./atomic";
import { PAGE_SHIFT, PAGE_SIZE, SUPERSLAB_PAGES, SUPERSLAB_PAGES_SHIFT } from "./config";
import { REMOTE, SENT_HOME, countOfClass } from "./counters";
import { FAIL_INTERIOR_POINTER } from "./failure";
import { link, next, refuseMarked } from "./free-list";
import { classOfLarge, freeLarge } from "./large";
import { forgetKept, keepsEmpty, learnHome } from "./learner";
import * as platform from "./platform";
import { endSuperslab, firstSuperslab } from "./pool";
import { KIND_LARGE, kindOf, setKindOfPage } from "./region";
import { purgeExcess } from "./retention";
import { hasRoom, noteUsed, pushBack, putFree, releaseSlab, unqueue } from "./slab";
import { Slab, metadataOf, slabOf, slabOfPage } from "./superslab";
import { classHeap, pendingOf, threadHeap } from "./thread";
import { see } from "./view";

const COUNT_SHIFT: u64 = 48;
const PENDING: u64 = 1 << 63;
const COUNT_MASK: u64 = PENDING - 1;
const BLOCK_MASK: u64 = (1 << COUNT_SHIFT) - 1;

// @ts-ignore: decorator
@inline
function remoteOf(slab: Slab): usize {
  return changetype<usize>(slab) + offsetof<Slab>("remote");
}

/** The word of a slab's remote list, as it is now. */
export function remoteWord(slab: Slab): u64 {
  return atomicLoad<u64>(remoteOf(slab));
}

/** Blocks that wait in a slab whose `remote` is `word`. */
// @ts-ignore: decorator
@inline
export function countOf(word: u64): u32 {
  return <u32>((word & COUNT_MASK) >> COUNT_SHIFT);
}

/** Atomic: the heap that owns a slab. */
// @ts-ignore: decorator
@inline
export function ownerOf(slab: Slab): usize {
  return atomicLoad<usize>(changetype<usize>(slab) + offsetof<Slab>("owner"));
}

/**
 * Takes every block of `heap`'s list `homeward` home, in runs of one slab; medium ones, which have none, one by one. The caller is in an operation on the heap, and
 * whoever mends it goes on with the list, which is kept up to date block by block.
 */
export function sendHome(heap: usize): void {
  const thread = threadHeap(heap);
  let list = thread.homeward;
  while (list) {
    if (kindOf(list) == KIND_LARGE) {
      const block = list;
      list = next(block);
      thread.homeward = list;
      platform.order();
      if (HK_STATISTICS) countOfClass(classOfLarge(block), SENT_HOME, 1);
      if (HK_LEARNER) learnHome(heap, classOfLarge(block), 1);
      freeLarge(block);
      continue;
    }
    const slab = slabOf(list);
    const start = slab.start;
    const last = list;
    let head: usize = 0;
    let count: u32 = 0;
    do {
      const block = list;
      list = next(block);
      thread.homeward = list;
      platform.order();
      link(block, head);
      head = block;
      ++count;
    } while (list - start < PAGE_SIZE);
    if (HK_STATISTICS) countOfClass(slab.cls, SENT_HOME, count);
    if (HK_LEARNER) learnHome(heap, slab.cls, count);
    if (ownerOf(slab) == heap) {
      putFree(slab, head, last, count);
      queueOrRetire(heap, slab);
    } else {
      pushRemote(slab, head, last, count);
    }
  }
}

/** Hardened: ends the program when `block`, in a slab, does not begin where one of its blocks does, or is free. */
export function refuseWrong(block: usize): void {
  const slab = slabOf(block);
  const offset = <u32>(block - slab.start);
  const behind = offset % slab.blockSize;
  if (behind || offset >= slab.capacity * slab.blockSize) {
    platform.fail(FAIL_INTERIOR_POINTER, block - <usize>behind, <usize>slab.blockSize, block, 0);
  }
  refuseMarked(block);
}

/** Takes one block home that is in no list; for a thread that has no heap and cannot get one. */
export function sendHomeAlone(block: usize): void {
  if (kindOf(block) == KIND_LARGE) freeLarge(block);
  else pushRemote(slabOf(block), block, block, 1);
}

/** Hands `count` blocks from `head` to `last` over to the owner of their slab. */
function pushRemote(slab: Slab, head: usize, last: usize, count: u32): void {
  const address = remoteOf(slab);
  if (HK_STATISTICS) countOfClass(slab.cls, REMOTE, count);
  let word: u64;
  do {
    word = atomicLoad<u64>(address);
    link(last, <usize>(word & BLOCK_MASK));
  } while (!atomicCas<u64>(address, word, (<u64>head) | ((<u64>(countOf(word) + count)) << COUNT_SHIFT) | PENDING));
  // Without the flag of our own making the slab may be gone by now; with it, it stays until we have pushed it.
  if (!(word & PENDING)) pushPending(slab, ownerOf(slab));
}

/** Tells `heap` that a slab has news. The owner may change under our feet: who finds another's slab passes it on. */
function pushPending(slab: Slab, heap: usize): void {
  const stack = pendingOf(see(heap));
  do {
    slab.pendingNext = atomicLoad<usize>(stack);
  } while (!atomicCas<usize>(stack, slab.pendingNext, changetype<usize>(slab)));
}

/** Looks at every slab that has news for `heap`. For the thread to which `heap` belongs. */
export function drainPending(heap: usize): void {
  const stack = pendingOf(heap);
  while (true) {
    const top = see(atomicLoad<usize>(stack));
    if (top == 0) return;
    const slab = changetype<Slab>(top);
    // Nobody else pops: while it is on top, what is below it stays as it is.
    if (!atomicCas<usize>(stack, top, slab.pendingNext)) continue;
    const owner = ownerOf(slab);
    if (owner != heap) pushPending(slab, owner);
    else collectRemote(heap, slab);
  }
}

/** Clears a slab's `pending`, and takes its remote blocks unless it has blocks of its own to use first. */
function collectRemote(heap: usize, slab: Slab): void {
  const address = remoteOf(slab);
  while (true) {
    const word = atomicLoad<u64>(address);
    const take = slab.free == 0 || countOf(word) == slab.used;
    if (!atomicCas<u64>(address, word, take ? 0 : word & ~PENDING)) continue;
    if (take) putRemote(slab, word);
    queueOrRetire(heap, slab);
    return;
  }
}

/** Takes a slab's remote blocks if it has none of its own; true when it has room then. */
export function takeRemote(slab: Slab): bool {
  const address = remoteOf(slab);
  while (true) {
    const word = atomicLoad<u64>(address);
    if (countOf(word) == 0) return false;
    if (!atomicCas<u64>(address, word, word & PENDING)) continue;
    putRemote(slab, word);
    return true;
  }
}

/** The blocks of `word` become the free list: it was empty, or with them the whole slab is. */
function putRemote(slab: Slab, word: u64): void {
  if (slab.free == 0) {
    slab.free = <usize>(word & BLOCK_MASK);
    slab.used -= countOf(word);
  } else {
    resetSlab(slab);
  }
}

/** Of a slab none of whose blocks is anywhere else: the order of its blocks starts afresh. */
function resetSlab(slab: Slab): void {
  noteUsed(slab);
  slab.free = 0;
  platform.order();
  slab.carved = 0;
  slab.used = 0;
}

/** Puts a slab that has got room where it belongs: the queue, or back to the pool. */
function queueOrRetire(heap: usize, slab: Slab): void {
  const queue = classHeap(heap, slab.cls);
  if (!slab.queued) pushBack(queue, slab);
  // The last one stays, so that a class that is used to and fro does not ask the pool every time.
  if (isHome(slab) && (queue.first != slab || queue.back != slab)) {
    if (!HK_LEARNER || !keepsEmpty(heap, slab.cls)) retire(heap, slab);
  }
}

/** True when none of a slab's blocks is live or cached: those that are not free already wait in `remote`. */
// @ts-ignore: decorator
@inline
function isHome(slab: Slab): bool {
  return slab.used == countOf(atomicLoad<u64>(remoteOf(slab)));
}

/** Releases a slab whose blocks are all home, unless another thread may still touch it. */
function retire(heap: usize, slab: Slab): void {
  // Nobody can free another block of it: only `pending` may still be set, and its bearer will see the slab again.
  const word = atomicLoad<u64>(remoteOf(slab));
  if (word & PENDING) return;
  if (word) {
    atomicStore<u64>(remoteOf(slab), 0);
    resetSlab(slab);
  }
  unqueue(classHeap(heap, slab.cls), slab);
  releaseSlab(slab);
  purgeExcess();
}

/** Releases every empty slab of one class, the last one included. */
export function retireEmpty(heap: usize, cls: u32): void {
  let slab = classHeap(heap, cls).first;
  while (slab) {
    const following = changetype<Slab | null>(slab.next);
    if (isHome(slab)) retire(heap, slab);
    slab = following;
  }
  if (HK_LEARNER) forgetKept(heap, cls, true);
}

/**
 * Makes every slab of thread heap `from` one of `heap`'s, whose queues know none of them. The caller owns both.
 * @param recount the free blocks are counted anew: `from` was left in the middle of an operation
 */
export function adoptSlabs(heap: usize, from: usize, recount: bool): void {
  const end = endSuperslab();
  for (let superslab = firstSuperslab(); superslab < end; ++superslab) {
    if (metadataOf(superslab) == 0) continue;
    for (let n: usize = 0; n < SUPERSLAB_PAGES; ++n) {
      const slab = slabOfPage((superslab << SUPERSLAB_PAGES_SHIFT) + n);
      if (ownerOf(slab) == from && slab.cls) adoptSlab(heap, slab, recount);
    }
  }
}

function adoptSlab(heap: usize, slab: Slab, recount: bool): void {
  if (recount) {
    let count: u32 = 0;
    for (let block = slab.free; block; block = next(block)) ++count;
    slab.used = slab.carved - count;
    setKindOfPage(slab.start >> PAGE_SHIFT, slab.cls);
  }
  slab.queued = 0;
  threadHeap(heap).fresh = 0;
  atomicStore<usize>(changetype<usize>(slab) + offsetof<Slab>("owner"), heap);
  if (hasRoom(slab) || countOf(atomicLoad<u64>(remoteOf(slab)))) queueOrRetire(heap, slab);
}
