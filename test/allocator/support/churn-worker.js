// @ts-check
/**
 * A thread that allocates, writes, hands over, verifies and frees for as long as it is told to, on a raw module.
 *
 * Every 16 bytes of the heap have a byte in `owners`, which says who was handed the bytes: whoever is handed bytes that are
 * somebody's already has found two blocks that overlap. A block is in `held` or in `mailboxes` while it is live, so that those of a
 * thread that was terminated can be found. Every word of a block depends on its address and its size.
 *
 *   block ─► │ size │ first word │ second word │ …      what is too large to write to everywhere is written to here and there
 */

import { parentPort, workerData } from "node:worker_threads";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** @type {import("./churn.js").ChurnData} */
const { module, memory, control, owners, mailboxes, held, counters, sizes, seed, index, role } = workerData;
const FIELD = { stop: 0, reclaim: 1, operations: 2, damaged: 3, overlaps: 4, refused: 5 };

const heap = /** @type {Record<string, (...args: number[]) => number>} */ (
  new WebAssembly.Instance(module, {
    env: {
      memory,
      /** @type {(cause: number, pointer: number) => never} */
      hakmem_now: () => performance.now(),
      hakmem_fail: (cause, pointer) => {
        throw new Error(`misuse ${cause} of ${pointer >>> 0}`);
      },
    },
  }).exports
);
const {
  malloc,
  calloc,
  realloc,
  memalign,
  free,
  malloc_usable_size,
  malloc_trim,
  malloc_prewarm,
  thread_init,
  thread_exit,
  thread_id,
  thread_reclaim,
} = /** @type {Record<string, (...args: number[]) => number> & Record<string, any>} */ (heap);

if (thread_init(control) >>> 0 !== control) throw new Error(`no heap could be joined at ${control}`);
/** @type {import("node:worker_threads").MessagePort} */ (parentPort).postMessage(thread_id());

/** Words of a block that are written at least, if it has them, and of those further on, one in this many. */
const DENSE_WORDS = 64;
const SPARSE_STEP = 509;
/** Blocks above this many bytes are checked for overlap at every so many bytes of `owners`. */
const DENSE_BYTES = 64 * 1024;
const SPARSE_OWNERS = 16;

let words = new Uint32Array(memory.buffer);
const generator = xoroshiro128plus(seed);

function random() {
  return generator.next() >>> 0;
}

/** @param {number} end an address that has to be within the view */
function look(end) {
  if (end <= words.byteLength) return;
  // Another thread has grown the memory: asking for no more of it makes this thread see that.
  memory.grow(0);
  words = new Uint32Array(memory.buffer);
}

/** @param {number} address @param {number} size @returns {number} */
function wordOf(address, size) {
  return (Math.imul(address, 0x9e3779b1) ^ size) >>> 0;
}

function newSize() {
  const { least, most } = sizes[random() % sizes.length];
  return least + (random() % (most - least + 1));
}

/**
 * Hands the bytes of a block from one owner to another, 0 being nobody, and counts those that were not the first one's.
 * @param {number} address @param {number} usable @param {number} before @param {number} after
 */
function own(address, usable, before, after) {
  const first = address >>> 4;
  const end = (address + usable) >>> 4;
  // Of a large block, a byte here and there: no block that is smaller than these steps lies in the same pages.
  const step = usable > DENSE_BYTES ? SPARSE_OWNERS : 1;
  for (let at = first; at < end; at += step) {
    if (owners[at] !== before) counters[FIELD.overlaps]++;
  }
  owners.fill(after, first, end);
}

/** @param {number} address @param {number} size */
function write(address, size) {
  look(address + size);
  const first = address >>> 2;
  const word = wordOf(address, size);
  words[first] = size;
  const end = size >>> 2;
  for (let at = 1; at < end; at += at < DENSE_WORDS ? 1 : SPARSE_STEP) words[first + at] = word ^ at;
  if (end > 1) words[first + end - 1] = word ^ (end - 1);
}

/** @param {number} address @returns {number} its size; also counts it as damaged if it is */
function verify(address) {
  look(address + 16);
  const first = address >>> 2;
  const size = words[first];
  look(address + size);
  const word = wordOf(address, size);
  const end = size >>> 2;
  let right = size <= malloc_usable_size(address) >>> 0;
  for (let at = 1; right && at < end; at += at < DENSE_WORDS ? 1 : SPARSE_STEP)
    right = words[first + at] === (word ^ at) >>> 0;
  if (right && end > 1) right = words[first + end - 1] === (word ^ (end - 1)) >>> 0;
  if (!right) counters[FIELD.damaged]++;
  return size;
}

/** @returns {number} a new block, written to and owned; 0 when there is none */
function make() {
  const size = Math.max(16, newSize());
  const how = random() & 15;
  // Whoever fills the memory asks for what every free block of the size will do for.
  const align = 16 << (role === "fill" ? 0 : random() % 10);
  const address = (how === 0 ? calloc(1, size) : how === 1 ? memalign(align, size) : malloc(size)) >>> 0;
  if (address === 0) {
    counters[FIELD.refused]++;
    return 0;
  }
  own(address, malloc_usable_size(address) >>> 0, 0, index);
  if (how === 0) {
    look(address + size);
    const first = address >>> 2;
    for (let at = 0; at < size >>> 2; at += at < DENSE_WORDS ? 1 : SPARSE_STEP) {
      if (words[first + at] !== 0) {
        counters[FIELD.damaged]++;
        break;
      }
    }
  } else if (how === 1 && address % align !== 0) counters[FIELD.damaged]++;
  write(address, size);
  return address;
}

/** @param {number} address */
function drop(address) {
  verify(address);
  disown(address);
  free(address);
}

/** @param {number} address */
function disown(address) {
  own(address, malloc_usable_size(address) >>> 0, owners[address >>> 4], 0);
}

/** @param {number} address @returns {number} the block as it is then; `address` itself when it is refused */
function resize(address) {
  verify(address);
  disown(address);
  const size = Math.max(16, newSize());
  const old = words[address >>> 2];
  const moved = realloc(address, size) >>> 0;
  const kept = moved || address;
  look(kept + 16);
  if (words[kept >>> 2] !== old) counters[FIELD.damaged]++;
  own(kept, malloc_usable_size(kept) >>> 0, 0, index);
  write(kept, moved ? size : old);
  return kept;
}

const RARELY = 2000;

/** What a thread does once, by its role. */
const ROLES = {
  /** Anything: makes, resizes, keeps, swaps for another thread's, and frees. */
  churn: () => {
    const chance = random();
    const slot = chance % held.length;
    // Now and then, what takes long enough that a death may well come in the middle.
    if ((chance >>> 8) % RARELY === 0) malloc_trim(0);
    else if ((chance >>> 8) % RARELY === 1) malloc_prewarm(newSize(), 100);
    const mine = Atomics.exchange(held, slot, 0);
    if (mine === 0) {
      Atomics.store(held, slot, make());
    } else if ((chance >>> 24) % 8 === 0) {
      Atomics.store(held, slot, resize(mine));
    } else if ((chance >>> 28) % 2 === 0) {
      const theirs = Atomics.exchange(mailboxes, (chance >>> 12) % mailboxes.length, mine);
      if (theirs !== 0) drop(theirs);
    } else {
      drop(mine);
    }
  },
  /** Holds as many as it may all the time: frees another thread's, or one of its own, and makes one. */
  replace: () => {
    const slot = random() % held.length;
    const mine = Atomics.exchange(held, slot, 0);
    const old = mine && Atomics.exchange(mailboxes, random() % mailboxes.length, mine);
    if (old !== 0) drop(old);
    Atomics.store(held, slot, make());
  },
  /** Makes as many as it gets, until one is refused. */
  fill: () => {
    if (counters[FIELD.refused] > 0) return;
    const slot = held.indexOf(0);
    if (slot === -1) throw new Error(`${held.length} slots are too few to fill the memory`);
    Atomics.store(held, slot, make());
  },
  /** Only makes, for others to free. */
  produce: () => {
    const slot = random() % mailboxes.length;
    if (Atomics.load(mailboxes, slot) === 0) Atomics.store(mailboxes, slot, make());
  },
  /** Only frees what others made. */
  consume: () => {
    const theirs = Atomics.exchange(mailboxes, random() % mailboxes.length, 0);
    if (theirs !== 0) drop(theirs);
  },
};

const BATCH = 256;
const act = ROLES[role];

while (Atomics.load(counters, FIELD.stop) === 0) {
  const dead = Atomics.exchange(counters, FIELD.reclaim, 0);
  if (dead !== 0) thread_reclaim(dead);
  for (let n = 0; n < BATCH; ++n) act();
  counters[FIELD.operations] += BATCH;
}
thread_exit();
