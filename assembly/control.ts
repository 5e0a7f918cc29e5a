/**
 * The control block: the root from which every thread of a heap finds everything.
 *
 * It is the first thing in the memory that the allocator takes for itself. There is no static data: an instance keeps
 * the address in a global, one instance a thread, and a new thread is told it by the one that has it.
 *
 *   control ─┬─ fields below
 *            ├─ runs        RUNS_BYTES        where runs of free pages are                    (runs.ts)
 *            ├─ quarantine  QUARANTINE_BYTES  guard builds: freed blocks that wait       (guard/quarantine.ts)
 *            ├─ statistics  STATISTICS_BYTES  builds with statistics: counters and history   (counters.ts)
 *            ├─ near tables                   of the first SuperSlabs, see below
 *            ├─ nothing     bins of nobody    empty for ever; not on native                  (thread.ts)
 *            └─ the rest of its page: the first of metadata                                  (superslab.ts)
 *
 *   tables:  ├─ directory   usize a SuperSlab address of its metadata, 0 before first use    (superslab.ts)
 *            ├─ available   u32 a SuperSlab   bit p: page p is free for any use              (pool.ts)
 *            ├─ dirty       u32 a SuperSlab   bit p: page p has been used, may not be zero   (pool.ts)
 *            ├─ owned       u32 a SuperSlab   bit p: page p came from the platform           (pool.ts)
 *            ├─ idle        u32 a SuperSlab   atomic: bit p: see there; native          (retention.ts)
 *            ├─ ends        u32 a SuperSlab   atomic: bit p: a huge block ends with page p    (large.ts)
 *            ├─ longest     u8 a SuperSlab    hint: longest run of free granules             (large.ts)
 *            └─ regionMap   u8 a page         what the page holds                            (region.ts)
 *
 * Where a table lies is a constant, so that an entry is found from the root by arithmetic. Tables of all addresses would be most of a
 * small heap: a WebAssembly memory pays for what it has, used or not. So the near tables tell of the first 16 MiB (of 4 GiB, and so on),
 * and once memory is to grow beyond, the far tables are made, of all addresses (`makeFar`):
 *
 *   entries of near SuperSlabs stay where they are, since others compare and swap them; those beyond are only in the far tables;
 *   the region map, of which `free` reads a byte, is one for all pages: who writes a byte for a near page writes it into both maps,
 *   so that whoever has the near map still finds all near pages in it, and who has the far map all.
 */

import { atomicAdd, atomicCas, atomicLoad, atomicStore } from "./atomic";
import { BINS_BYTES, BINS_OFFSET, GATES, GATE_OFFSET, NEXT_OFFSET, NOWHERE } from "./bin";
import {
  CONFIG_HASH,
  GROW_UNIT,
  HAS_FAR,
  LINKED,
  NEAR_PAGES,
  NEAR_SUPERSLABS,
  PAGES,
  PAGES_END,
  PAGE_MASK,
  PAGE_SHIFT,
  RUN_EDGES,
  RUN_ROWS,
  RUN_WAYS,
  SUPERSLABS,
  SUPERSLAB_PAGES,
  WORD,
} from "./config";
import * as native from "./platform/native";
import * as platform from "./platform";
import { CLASS_END } from "./size-class";

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
  lowestFree: u32;
  /** Atomic: last thread id given. */
  lastThreadId: u32;
  /** Atomic: thread heaps ever made, as many as threads have lived at a time. */
  heaps: u32;
  /** Atomic: thread heaps that wait for adoption; never too low, too high by one for a thread that died at counting. */
  abandoned: u32;
  /** Atomic: SuperSlabs that are empty and dirty, kept for reuse; native only, put right by each purge. */
  retained: u32;
  /** Atomic: pages that are kept as runs, or are about to be; native only, too many by those that a dead thread had in its hands. */
  kept: u32;
  /** Atomic: when memory was last looked through for what is old, in ms; native only. */
  lastAging: u32;
  /** Atomic: when SuperSlabs were last looked through because too many are retained, in ms; native only. */
  lastPurge: u32;

  /** Atomic: address of the far tables, 0 before there are any: from then on who writes the near map writes theirs as well. */
  far: usize;
  /** Atomic: 1 once the far tables may be read. */
  farReady: u32;
}

/** This instance's heap. */
export let control: Control = changetype<Control>(NOWHERE);
/** `control.regionMap`, kept apart because every `free` needs it; on native, one variable of the process. */
let ownRegionMap: usize = NOWHERE;

/** The far tables, 0 when this instance does not know any. */
let far: usize = 0;
/** Pages of which this instance's region map tells; 0 before it has one. */
export let covered: usize = 0;

/** `control.secret`, kept apart because hardened builds need it for every link; on native, one variable of the process. */
export let secret: usize = 0;

/** A line of the processor's cache: what many threads write has one of its own. */
const LINE: usize = 64;

/** Slots of the quarantine of guard builds, and a line for its counts. */
export const QUARANTINE_SLOTS: usize = HK_GUARD ? (HK_VIRTUAL ? 4096 : 1024) : 0;
const QUARANTINE_BYTES: usize = HK_GUARD ? LINE + QUARANTINE_SLOTS * WORD : 0;

/** Counters of each class, and of the heap in place of class 0's; events, of words as many. */
const COUNTERS_SHIFT: usize = 4;
const EVENT_SHIFT: usize = 2;
/** Events that are kept. */
export const EVENTS: u64 = 1000;
const EVENTS_OFFSET: usize = (<usize>CLASS_END) << (COUNTERS_SHIFT + 3);
const STATISTICS_BYTES: usize = HK_STATISTICS ? EVENTS_OFFSET + ((<usize>EVENTS) << (EVENT_SHIFT + 3)) : 0;

/** Bytes of a SuperSlab in all columns of tables before one. */
const DIRECTORY: usize = 0;
const AVAILABLE: usize = DIRECTORY + WORD;
const DIRTY: usize = AVAILABLE + sizeof<u32>();
const OWNED: usize = DIRTY + sizeof<u32>();
const IDLE: usize = OWNED + sizeof<u32>();
const ENDS: usize = IDLE + (HK_VIRTUAL ? sizeof<u32>() : 0);
const LONGEST: usize = ENDS + sizeof<u32>();
const COLUMNS_END: usize = LONGEST + sizeof<u8>();

/** Offsets from the control block, which lies at a multiple of a line. */
const RUNS: usize = (offsetof<Control>() + (LINE - 1)) & ~(LINE - 1);
const EDGES: usize = RUNS + <usize>(RUN_ROWS * RUN_WAYS) * sizeof<u64>();
const RUNS_BYTES: usize = EDGES + <usize>RUN_EDGES - RUNS;
const QUARANTINE: usize = (RUNS + RUNS_BYTES + (LINE - 1)) & ~(LINE - 1);
const STATISTICS: usize = QUARANTINE + QUARANTINE_BYTES;
const NEAR: usize = STATISTICS + STATISTICS_BYTES;
const NEAR_MAP: usize = NEAR + NEAR_SUPERSLABS * COLUMNS_END;
const NEAR_END: usize = (NEAR_MAP + NEAR_PAGES + (LINE - 1)) & ~(LINE - 1);
/** Bins are found behind a fixed offset from their heap, which must not lie before the memory. */
const NOTHING: usize = (NEAR_END > BINS_OFFSET ? NEAR_END : BINS_OFFSET) - BINS_OFFSET;
const TABLES_END: usize = HK_NATIVE ? NEAR_END : NOTHING + BINS_OFFSET + BINS_BYTES;
/** In the far tables. */
const FAR_MAP: usize = SUPERSLABS * COLUMNS_END;
const FAR_BYTES: usize = (FAR_MAP + PAGES + (GROW_UNIT - 1)) & ~(GROW_UNIT - 1);
/** What is taken for all of it; a line more, because address 0 would be no heap. */
const BYTES: usize = (LINE + TABLES_END + (GROW_UNIT - 1)) & ~(GROW_UNIT - 1);

// Addresses of the entries of SuperSlabs. Beyond the near ones there are some only with far tables (`isCovered`).

function entry(superslab: usize, column: usize, size: usize): usize {
  return inlineEntry(superslab, column, size);
}

// @ts-ignore: decorator
@inline
function inlineEntry(superslab: usize, column: usize, size: usize): usize {
  const isNear = !HAS_FAR || superslab < NEAR_SUPERSLABS;
  const columns = isNear ? changetype<usize>(control) + NEAR : far;
  return columns + superslab * size + (isNear ? NEAR_SUPERSLABS * column : SUPERSLABS * column);
}

/** True when there are tables that tell of `page`; from then on this instance has them. Others have no memory there. */
// @ts-ignore: decorator
@inline
export function isCovered(page: usize): bool {
  return !HAS_FAR || page < covered || (page < PAGES && reachFar());
}

// @ts-ignore: decorator
@inline
export function directoryOf(superslab: usize): usize {
  return inlineEntry(superslab, DIRECTORY, WORD);
}

// @ts-ignore: decorator
@inline
export function availableOf(superslab: usize): usize {
  return entry(superslab, AVAILABLE, sizeof<u32>());
}

/** As `availableOf`, where a call would be felt. */
// @ts-ignore: decorator
@inline
export function availableHere(superslab: usize): usize {
  return inlineEntry(superslab, AVAILABLE, sizeof<u32>());
}

// @ts-ignore: decorator
@inline
export function dirtyOf(superslab: usize): usize {
  return entry(superslab, DIRTY, sizeof<u32>());
}

// @ts-ignore: decorator
@inline
export function ownedOf(superslab: usize): usize {
  return entry(superslab, OWNED, sizeof<u32>());
}

// @ts-ignore: decorator
@inline
export function idleOf(superslab: usize): usize {
  return entry(superslab, IDLE, sizeof<u32>());
}

// @ts-ignore: decorator
@inline
export function endsOf(superslab: usize): usize {
  return entry(superslab, ENDS, sizeof<u32>());
}

/** As `endsOf`, where a call would be felt. */
// @ts-ignore: decorator
@inline
export function endsHere(superslab: usize): usize {
  return inlineEntry(superslab, ENDS, sizeof<u32>());
}

/** As `dirtyOf`, where a call would be felt. */
// @ts-ignore: decorator
@inline
export function dirtyHere(superslab: usize): usize {
  return inlineEntry(superslab, DIRTY, sizeof<u32>());
}

// @ts-ignore: decorator
@inline
export function longestOf(superslab: usize): usize {
  return entry(superslab, LONGEST, sizeof<u8>());
}

/** Address of a slot of the table of runs. */
// @ts-ignore: decorator
@inline
export function runSlot(index: u32): usize {
  return changetype<usize>(control) + <usize>index * sizeof<u64>() + RUNS;
}

/** Address of the hint at where the run of free pages is kept that begins or ends with `page`. */
// @ts-ignore: decorator
@inline
export function runEdge(page: usize): usize {
  return changetype<usize>(control) + (page & (<usize>(RUN_EDGES - 1))) + EDGES;
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

/** Builds with statistics: address of a counter, of the heap for class 0. */
export function counterAt(cls: u32, what: u32): usize {
  return changetype<usize>(control) + STATISTICS + ((((<usize>cls) << COUNTERS_SHIFT) + what) << 3);
}

/** Builds with statistics: address of a word of an event. */
export function eventAt(event: u32, what: u32): usize {
  return changetype<usize>(control) + (STATISTICS + EVENTS_OFFSET) + ((((<usize>event) << EVENT_SHIFT) + what) << 3);
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
  setRegionMap(address + NEAR_MAP);
  if (HAS_FAR) {
    far = 0;
    covered = NEAR_PAGES;
  }
  if (HK_HARDENED) secret = found.secret;
  // Last: on native these are the process's, and who finds the control block set uses all of them.
  control = found;
  return true;
}

function setRegionMap(address: usize): void {
  if (HK_NATIVE) native.setRegions(address);
  else ownRegionMap = address;
}

/** Makes this instance use the far tables, if there are any; false when there are none. */
function reachFar(): bool {
  if (covered == PAGES) return true;
  if (!atomicLoad<u32>(changetype<usize>(control) + offsetof<Control>("farReady"))) return false;
  // They are younger than what this instance may have seen of the memory.
  if (GATES) platform.renew();
  far = farTables();
  setRegionMap(far + FAR_MAP);
  covered = PAGES;
  return true;
}

/** Address of the far tables, which may not be ready; 0 when there are none. A step in the order of all threads' steps with it. */
function farTables(): usize {
  return atomicAdd<usize>(changetype<usize>(control) + offsetof<Control>("far"), 0);
}

/** Where the byte of near page `page` is to be written a second time, after it is written in the near map; 0 when nowhere. */
export function secondEntry(page: usize): usize {
  const tables = HAS_FAR ? farTables() : 0;
  if (tables && GATES && covered != PAGES) platform.renew();
  return tables ? tables + FAR_MAP + page : 0;
}

/** Address of the byte of near page `page` in the near map. */
// @ts-ignore: decorator
@inline
export function nearEntry(page: usize): usize {
  return changetype<usize>(control) + NEAR_MAP + page;
}

/** Pages that the far tables take. */
export const FAR_PAGES: usize = FAR_BYTES >> PAGE_SHIFT;

/**
 * Makes far tables at `address`, FAR_BYTES that read as zero, unless there are some. To be called before memory is handed out that only
 * they tell of.
 *
 * Any thread, at any time. Bytes of the near map are copied while others write them. Who writes one looks for the far tables
 * afterwards, in one order with their publication here: either it finds them, and writes the byte there too, or it has written it
 * before they were published, and it is copied. No byte that was written is 0 again (region.ts), so a copy never covers what is younger.
 * @returns false when there were some: then `address` is the caller's
 */
export function makeFar(address: usize): bool {
  const field = changetype<usize>(control) + offsetof<Control>("far");
  const first = atomicCas<usize>(field, 0, address);
  if (first) atomicAdd<usize>(changetype<usize>(control) + offsetof<Control>("metadataBytes"), FAR_BYTES);
  // Whoever comes here does all of it: the one who was first may be dead.
  if (GATES) platform.renew();
  const map = farTables() + FAR_MAP;
  for (let page: usize = 0; page < NEAR_PAGES; ++page) {
    const kind = load<u8>(nearEntry(page));
    if (kind) atomicCas<u8>(map + page, 0, kind);
  }
  atomicStore<u32>(changetype<usize>(control) + offsetof<Control>("farReady"), 1);
  reachFar();
  return first;
}

/** First page of the far tables, if this instance knows some; else 0. */
export function farFirst(): usize {
  return HAS_FAR ? far >> PAGE_SHIFT : 0;
}

/** True when memory that ends before page `end` needs far tables that are not there. */
export function needsFar(end: usize): bool {
  return HAS_FAR && end > NEAR_PAGES && !reachFar();
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
  made.lowestFree = u32.MAX_VALUE;
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

/** What is behind the tables in their last page is the first place for metadata. */
function beginMetadata(made: Control): void {
  const end = changetype<usize>(made) + TABLES_END;
  made.metadata = end & PAGE_MASK ? end : 0;
  made.metadataBytes =
    ((end + PAGE_MASK) & ~PAGE_MASK) - (changetype<usize>(made) & ~PAGE_MASK) + (far ? FAR_BYTES : 0);
}

/** Private heaps: forgets all that lies in memory, for the thread to begin anew. What the pool knows of its pages stays. */
export function forgetAll(): void {
  const base = changetype<usize>(control);
  forgetTables(base + NEAR, NEAR_SUPERSLABS);
  if (HAS_FAR && far) forgetTables(far, SUPERSLABS);
  memory.fill(base + RUNS, 0, RUNS_BYTES);
  memory.fill(base + QUARANTINE, 0, QUARANTINE_BYTES);
  if (HK_STATISTICS) memory.fill(base + STATISTICS, 0, STATISTICS_BYTES);
  memory.fill(base + TABLES_END, 0, (tablesEnd() << PAGE_SHIFT) - (base + TABLES_END));
  beginMetadata(control);
  control.threads = 0;
  control.lastThreadId = 0;
  control.abandoned = 0;
}

function forgetTables(columns: usize, count: usize): void {
  memory.fill(columns, 0, count * AVAILABLE);
  memory.fill(columns + count * ENDS, 0, count * (COLUMNS_END - ENDS + SUPERSLAB_PAGES));
}

/** First page behind the tables; wasm only. */
export function tablesEnd(): usize {
  return (changetype<usize>(control) + (TABLES_END + PAGE_MASK)) >> PAGE_SHIFT;
}

/** One more than the last of the pages that `create` took. A heap at the start of the memory begins a line later. */
export function createdEnd(): usize {
  return ((changetype<usize>(control) & ~(GROW_UNIT - 1)) + BYTES) >> PAGE_SHIFT;
}
