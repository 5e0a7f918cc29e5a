/** A heap to replay in: hakmem's own module, of a profile, built with what tells of pages. */

import { readFile } from "node:fs/promises";
import { cachedFile } from "../base/cache.js";
import { ExplainedError } from "../base/errors.js";
import { fingerprint, fingerprintOfAllocator } from "../base/fingerprint.js";
import { ROOT } from "../base/paths.js";
import { constantsOf, loadProfile } from "../profile/index.js";
import { PAGE_STATE } from "./data.js";

/** What replaying calls; addresses are signed. */
export interface HeapExports {
  malloc(size: number): number;
  free(block: number): void;
  realloc(block: number, size: number): number;
  aligned_alloc(alignment: number, size: number): number;
  malloc_usable_size(block: number): number;
  thread_init(control: number): number;
  heap_stat(what: number): number;
  class_stat(index: number, what: number): number;
  page_stat(page: number, what: number): number;
}

export interface ReplayHeap {
  readonly profile: string;
  readonly pageShift: number;
  readonly heap: HeapExports;
  /** Sizes of blocks, in bytes. */
  readonly classes: readonly number[];
  readonly memory: WebAssembly.Memory;
}

const MOST_PAGES = 65_536;
const TARGET = "wasm32";
const HEAP = { committed: 0 } as const;
export const CLASS = { size: 0, slabs: 1 } as const;
const PAGE = { kind: 0, blockSize: 1, used: 2, capacity: 3 } as const;
const KIND = { slab: 1, granules: 2, huge: 3, metadata: 4, free: 5 } as const;

/** Rejects as `loadProfile` and `buildWasm` do. */
export async function replayHeap(profileName: string): Promise<ReplayHeap> {
  const profile = { ...(await loadProfile(profileName)), guard: false };
  const constants = constantsOf(profile, TARGET);
  const key = fingerprint(await fingerprintOfAllocator(ROOT), JSON.stringify([TARGET, constants]));
  const file = await cachedFile(`view-${key}.wasm`, async () => {
    // It takes its time to load.
    const { buildWasm } = await import("../build/wasm.js");
    return buildWasm({ profile, target: TARGET, pages: true });
  });
  const module = await WebAssembly.compile(new Uint8Array(await readFile(file)));
  const memory = new WebAssembly.Memory({ initial: 0, maximum: MOST_PAGES });
  const fail = (): never => {
    throw new ExplainedError("the heap that replays is broken");
  };
  const { exports } = await WebAssembly.instantiate(module, {
    env: { memory, hakmem_now: () => 0, hakmem_fail: fail },
  });
  const heap = exports as unknown as HeapExports;
  if (heap.thread_init(0) === 0) throw new ExplainedError("there is no memory to replay in");
  const classes: number[] = [];
  for (let index = 0; heap.class_stat(index, CLASS.size) !== 0; index++)
    classes.push(heap.class_stat(index, CLASS.size));
  return { profile: profile.name, pageShift: profile.pageShift, heap, classes, memory };
}

export const committedBytes = ({ heap }: ReplayHeap): number => heap.heap_stat(HEAP.committed) >>> 0;

/** The state of each page up to the end of memory, and how much of it is in use, of 255. For each class its slabs and its blocks that are not at home. */
export function mapOf({ heap, classes, pageShift, memory }: ReplayHeap): {
  readonly map: Uint8Array;
  readonly slabs: Uint32Array;
  readonly away: Uint32Array;
} {
  const pages = Math.floor(memory.buffer.byteLength / 2 ** pageShift);
  const map = new Uint8Array(2 * pages);
  const slabs = new Uint32Array(classes.length);
  const away = new Uint32Array(classes.length);
  const index = new Map(classes.map((size, at) => [size, at]));
  for (let page = 0; page < pages; page++) {
    const kind = heap.page_stat(page, PAGE.kind);
    let [state, fill]: number[] = [PAGE_STATE.none, 255];
    if (kind === KIND.slab) {
      const at = index.get(heap.page_stat(page, PAGE.blockSize)) ?? 0;
      const used = heap.page_stat(page, PAGE.used);
      slabs[at]!++;
      away[at]! += used;
      state = PAGE_STATE.slab + at;
      fill = Math.round((255 * used) / Math.max(1, heap.page_stat(page, PAGE.capacity)));
    } else if (kind === KIND.granules) state = PAGE_STATE.granules;
    else if (kind === KIND.huge) state = PAGE_STATE.huge;
    else if (kind === KIND.metadata) state = PAGE_STATE.metadata;
    else if (kind === KIND.free) [state, fill] = [PAGE_STATE.free, 0];
    map[2 * page] = state ?? 0;
    map[2 * page + 1] = fill ?? 0;
  }
  return { map, slabs, away };
}
