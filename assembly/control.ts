/**
 * The control block: the root from which every thread of a heap finds everything.
 *
 * It is the first thing in the memory that the allocator takes for itself. There is no static data: an instance keeps
 * the address in a global, one instance a thread, and a new thread is told it by the one that has it.
 *
 *   control ─┬─ fields below
 *            ├─ directory   usize a SuperSlab address of its metadata, 0 before first use    (superslab.ts)
 *            ├─ available   u32 a SuperSlab   bit p: page p is free for any use              (pool.ts)
 *            ├─ dirty       u32 a SuperSlab   bit p: page p has been used, may not be zero   (pool.ts)
 *            ├─ owned       u32 a SuperSlab   bit p: page p came from the platform           (pool.ts)
 *            ├─ released    u32 a SuperSlab   when pages were last released, in ms           (pool.ts)
 *            ├─ longest     u8 a SuperSlab    hint: longest run of free granules             (large.ts)
 *            ├─ big         BIG_BYTES         cached large blocks                            (big-cache.ts)
 *            ├─ quarantine  QUARANTINE_BYTES  guard builds: freed blocks that wait       (guard/quarantine.ts)
 *            ├─ regionMap   u8 a page         what the page holds                            (region.ts)
 *            ├─ nothing     bins of nobody    empty for ever; not on native                  (thread.ts)
 *            └─ the rest of its pages: the first ones of metadata                            (superslab.ts)
 *
 * Where a table lies is a constant, so that an entry is found from the root by arithmetic.
 */

import { atomicLoad } from "./atomic";
import { BINS_BYTES, BINS_OFFSET, GATES, GATE_OFFSET, NEXT_OFFSET, NOWHERE } from "./bin";
import { CONFIG_HASH, GROW_UNIT, LINKED, PAGES, PAGES_END, PAGE_SHIFT, PAGE_SIZE, SUPERSLABS, WORD } from "./config";
import * as native from "./platform/native";
import * as platform from "./platform";

const MAGIC: u32 = 0x6b616821;

@unmanaged
export class Control {
  /** Written last when a control block is made. */
  magic: u32;
  hash: u32;

  /** Hardened builds: what links of free blocks are encoded with. */
  secret: usize;

  /** Atomic: bytes taken from the platform. */
  committed: usize;
  /** Atomic: next free byte of the current metadata page. */
  metadata: usize;
  /** Atomic: bytes of metadata pages and of this block. */
  metadataBytes: usize;
  /** Atomic: first of all thread heaps ever made, linked by `next`. */
  threads: usize;

  /** Atomic: changes << 32 | claims, see pool.ts. */
  traffic: u64;

  /** Atomic: every SuperSlab with pages is in [first, end); only ever widened. */
  first: u32;
  end: u32;
  /** Atomic hint: no SuperSlab below it has a free page, unless one is being released. */
  low: u32;
  /** Atomic: last thread id given. */
  lastThreadId: u32;
  /** Atomic: thread heaps that wait for adoption; never too low, too high by one for a thread that died at counting. */
  abandoned: u32;
  /** Atomic: SuperSlabs that are empty and dirty, kept for reuse; native only, put right by each purge. */
  retained: u32;
  /** Atomic: when memory was last looked through for what is old, in ms; native only. */
  lastAging: u32;
  /** Atomic: when SuperSlabs were last looked through because too many are retained, in ms; native only. */
  lastPurge: u32;
}

/** This instance's heap. */
export let control: Control = changetype<Control>(NOWHERE);
/** `control.regionMap`, kept apart because every `free` needs it; on native, one variable of the process. */
let ownRegionMap: usize = NOWHERE;

/** `control.secret`, kept apart because hardened builds need it for every link; on native, one variable of the process. */
export let secret: usize = 0;

/** A line of the processor's cache: what many threads write has one of its own. */
const LINE: usize = 64;

/** Slots of the cache of large blocks. */
export const BIG_SLOTS: u32 = 120;
const BIG_BYTES: usize = (<usize>BIG_SLOTS * WORD + (LINE - 1)) & ~(LINE - 1);
/** Slots of the quarantine of guard builds, and a line for its counts. */
export const QUARANTINE_SLOTS: usize = HK_GUARD ? (HK_VIRTUAL ? 4096 : 1024) : 0;
const QUARANTINE_BYTES: usize = HK_GUARD ? LINE + QUARANTINE_SLOTS * WORD : 0;

/** Offsets of the tables from the control block, which lies at a multiple of a line. */
const DIRECTORY: usize = (offsetof<Control>() + (LINE - 1)) & ~(LINE - 1);
const AVAILABLE: usize = DIRECTORY + SUPERSLABS * WORD;
const DIRTY: usize = AVAILABLE + SUPERSLABS * sizeof<u32>();
const OWNED: usize = DIRTY + SUPERSLABS * sizeof<u32>();
const RELEASED: usize = OWNED + SUPERSLABS * sizeof<u32>();
const LONGEST: usize = RELEASED + SUPERSLABS * sizeof<u32>();
const BIG: usize = (LONGEST + SUPERSLABS + (LINE - 1)) & ~(LINE - 1);
const QUARANTINE: usize = BIG + BIG_BYTES;
const REGION_MAP: usize = QUARANTINE + QUARANTINE_BYTES;
const MAP_END: usize = (REGION_MAP + PAGES + (LINE - 1)) & ~(LINE - 1);
/** Bins are found behind a fixed offset from their heap, which must not lie before the memory. */
const NOTHING: usize = (MAP_END > BINS_OFFSET ? MAP_END : BINS_OFFSET) - BINS_OFFSET;
const TABLES_END: usize = HK_NATIVE ? MAP_END : NOTHING + BINS_OFFSET + BINS_BYTES;
/** What is taken for all of it; a line more, because address 0 would be no heap. */
const BYTES: usize = (LINE + TABLES_END + (GROW_UNIT - 1)) & ~(GROW_UNIT - 1);

// Addresses of the entries of SuperSlabs.

// @ts-ignore: decorator
@inline
export function directoryOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab * WORD + DIRECTORY;
}

// @ts-ignore: decorator
@inline
export function availableOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab * sizeof<u32>() + AVAILABLE;
}

// @ts-ignore: decorator
@inline
export function dirtyOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab * sizeof<u32>() + DIRTY;
}

// @ts-ignore: decorator
@inline
export function ownedOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab * sizeof<u32>() + OWNED;
}

// @ts-ignore: decorator
@inline
export function releasedOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab * sizeof<u32>() + RELEASED;
}

// @ts-ignore: decorator
@inline
export function longestOf(superslab: usize): usize {
  return changetype<usize>(control) + superslab + LONGEST;
}

/** Address of a slot of the cache of large blocks. */
// @ts-ignore: decorator
@inline
export function bigSlot(index: u32): usize {
  return changetype<usize>(control) + <usize>index * WORD + BIG;
}

/** Address of the counts of the quarantine; its slots are behind them. */
// @ts-ignore: decorator
@inline
export function quarantineCounts(): usize {
  return changetype<usize>(control) + QUARANTINE;
}

// @ts-ignore: decorator
@inline
export function quarantineSlot(index: usize): usize {
  return changetype<usize>(control) + index * WORD + (QUARANTINE + LINE);
}

/** The heap of nobody; see thread.ts. */
// @ts-ignore: decorator
@inline
export function nothing(): usize {
  return HK_NATIVE ? native.empty() : changetype<usize>(control) + NOTHING;
}

/** First of all thread heaps ever made; 0 when there is none. */
export function firstHeap(): usize {
  return atomicLoad<usize>(changetype<usize>(control) + offsetof<Control>("threads"));
}

/** The thread heap behind `heap`, written once; 0 at the end. */
// @ts-ignore: decorator
@inline
export function nextHeap(heap: usize): usize {
  return load<usize>(heap, NEXT_OFFSET);
}

/** Address of the region map; on native, before the process has a heap, of one that knows address 0 alone. */
// @ts-ignore: decorator
@inline
export function regionMap(): usize {
  return HK_NATIVE ? native.regions() : ownRegionMap;
}

/** True once this instance knows its heap. A linked program's is the program's, but it must be seen before it is touched: the map tells. */
export function attached(): bool {
  return LINKED ? native.regions() != 0 : changetype<usize>(control) != NOWHERE;
}

/**
 * True when there is a heap to look at; a process may have none yet. On wasm a call that comes before `thread_init` ends
 * in a trap, as the fast paths' do by themselves (NOWHERE in bin.ts).
 */
export function hasHeap(): bool {
  if (!HK_NATIVE && !attached()) unreachable();
  if (!LINKED || attached()) return attached();
  const address = native.control();
  return address != 0 && attach(address);
}

/** True when a control block at `address` would lie in memory, with its tables. */
function inMemory(address: usize): bool {
  const last = address + TABLES_END - 1;
  return (
    address != 0 && (address & (WORD - 1)) == 0 && last > address && last >> PAGE_SHIFT < platform.endPage(PAGE_SHIFT)
  );
}

/** Makes this instance use the heap at `address`; false when no heap of this configuration is there. */
export function attach(address: usize): bool {
  // The heap may be younger than what this instance has seen of the memory.
  if (GATES) platform.renew();
  if (HK_NATIVE ? address == 0 : !inMemory(address)) return false;
  const found = changetype<Control>(address);
  if (found.magic != MAGIC || found.hash != CONFIG_HASH) return false;
  if (HK_NATIVE) native.setRegions(address + REGION_MAP);
  else ownRegionMap = address + REGION_MAP;
  if (HK_HARDENED) secret = found.secret;
  // Last: on native these are the process's, and who finds the control block set uses all of them.
  control = found;
  return true;
}

/**
 * Takes memory for a control block and lays it out.
 *
 * Not published here: the caller decides who learns of it (wasm: whoever gets the address; native: the process).
 * @returns its address, 0 when the platform has no memory, or none that the profile can address
 */
export function create(): usize {
  let base: usize;
  if (HK_VIRTUAL) {
    base = native.table(BYTES);
    if (base == 0) return 0;
  } else {
    if (platform.endPage(PAGE_SHIFT) + (BYTES >> PAGE_SHIFT) > PAGES_END) return 0;
    base = platform.grow(BYTES, false);
    if (base == usize.MAX_VALUE) return 0;
  }
  if (base == 0) base = LINE;

  const made = changetype<Control>(base);
  made.hash = CONFIG_HASH;
  if (HK_HARDENED) made.secret = platform.random();
  made.first = u32.MAX_VALUE;
  made.low = u32.MAX_VALUE;
  // Virtual tables are reserved address space, most of which never takes memory, and metadata starts with a page of the pool.
  if (!HK_VIRTUAL) {
    made.committed = BYTES;
    beginMetadata(made);
  }
  // The gate of the heap of nobody leads to itself.
  if (GATES && !HK_NATIVE) store<usize>(base + NOTHING, base + NOTHING, GATE_OFFSET);
  made.magic = MAGIC;
  return base;
}

/** The page in which the tables end is the first of metadata, and the pages behind it are the next ones. */
function beginMetadata(made: Control): void {
  made.metadata = changetype<usize>(made) + TABLES_END;
  made.metadataBytes = BYTES;
}

/** Private heaps: forgets all that lies in memory, for the thread to begin anew. What the pool knows of its pages stays. */
export function forgetAll(): void {
  const base = changetype<usize>(control);
  memory.fill(base + DIRECTORY, 0, AVAILABLE - DIRECTORY);
  memory.fill(base + LONGEST, 0, MAP_END - LONGEST);
  memory.fill(base + TABLES_END, 0, (spareEnd() << PAGE_SHIFT) - (base + TABLES_END));
  beginMetadata(control);
  control.threads = 0;
  control.lastThreadId = 0;
  control.abandoned = 0;
}

/** First of the pages that `create` took for metadata behind the one in which the tables end; wasm only. */
export function spareFirst(): usize {
  return (changetype<usize>(control) + (TABLES_END + PAGE_SIZE)) >> PAGE_SHIFT;
}

/** One more than the last of them. A heap at the start of the memory begins a line later. */
export function spareEnd(): usize {
  return ((changetype<usize>(control) & ~(PAGE_SIZE - 1)) + (BYTES + (PAGE_SIZE - 1))) >> PAGE_SHIFT;
}
