import { describe, expect, test } from "vitest";
import { BUILDS, buildOf, buildsWhere } from "./support/builds.js";
import { Random } from "../support/random.js";
import { Kind, RawHeap, RawMemory, Stat, WASM_PAGE } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
/** The tables that a heap begins with tell of so many bytes; more than these need the far tables. */
const NEAR = 16 * MIB;
const MAXIMUM_PAGES = (4 * NEAR) / WASM_PAGE;

describe.each(buildsWhere(({ shared, guard }) => !shared && !guard))("$name", (build) => {
  test("a private heap that two instances use grows beyond its near tables, by either", () => {
    const heap = RawHeap.create(build, MAXIMUM_PAGES);
    const other = heap.join(heap.threadInit(0));
    const blocks = new Set<number>();
    for (let n = 0; ; ++n) {
      const block = (n % 2 ? heap : other).malloc(MIB);
      if (block === 0) break;
      expect(blocks.has(block)).toBe(false);
      blocks.add(block);
    }
    expect(blocks.size * MIB).toBeGreaterThan(3 * NEAR);
    for (const block of blocks) heap.free(block);
    expect(heap.stat(Stat.Live)).toBe(0);
  });

  test("far tables that another instance has made are known to the one that frees all", () => {
    const heap = RawHeap.create(build, MAXIMUM_PAGES);
    const other = heap.join(heap.threadInit(0));
    const before = heap.stat(Stat.FreePages);
    while (other.malloc(MIB) !== 0);
    other.threadExit();
    expect(heap.freeAll()).toBe(1);
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.FreePages)).toBeGreaterThan(before + 3 * NEAR);
  });

  test("an instance that goes from one heap to another leaves the tables of the first alone", () => {
    const memory = new RawMemory(build, MAXIMUM_PAGES);
    const heap = RawHeap.in(memory);
    const first = heap.threadInit(0);
    const second = RawHeap.in(memory);
    const control = second.threadInit(0);
    const watcher = heap.join(first);
    const block = heap.malloc(NEAR + MIB);
    const size = watcher.usableSize(block);
    expect(size).toBeGreaterThanOrEqual(NEAR + MIB);
    heap.threadExit();
    second.threadExit();
    expect(heap.threadInit(control)).toBe(control);
    expect(heap.freeAll()).toBe(1);
    for (let n = 0; n < 1000; ++n) expect(heap.malloc(KIB)).not.toBe(0);
    expect(watcher.usableSize(block)).toBe(size);
  });
});

/** In guard builds freed blocks wait in quarantine. */
describe.each(BUILDS.filter(({ guard }) => !guard))("$name", (build) => {
  test.each([20 * KIB, 50 * KIB, 100 * KIB])(
    "pages that blocks of %i bytes have left are metadata's to take",
    (size) => {
      const heap = RawHeap.create(build, (4 * MIB) / WASM_PAGE);
      const control = heap.threadInit(0);
      const blocks: number[] = [];
      for (let block = heap.malloc(size); block !== 0; block = heap.malloc(size)) blocks.push(block);
      while (heap.malloc(KIB) !== 0);
      for (const block of blocks) heap.free(block);
      heap.trim();
      // What a thread's heap is made of, as often as 1 MiB allows.
      const threads = build.shared ? Math.floor(MIB / (32 * KIB)) : 1;
      for (let n = 0; n < threads; ++n) expect(heap.join(control).threadId).not.toBe(0);
    },
  );

  test("a block is not refused while what is free at the end of memory, and what memory can grow by, suffice", () => {
    const random = new Random(3);
    let refusals = 0;
    for (let round = 0; round < 300; ++round) {
      const pages = 10 + random.between(0, 29);
      const heap = RawHeap.create(build, pages);
      heap.threadInit(0);
      const live: number[] = [];
      for (let n = 0; n < 60; ++n) {
        if (live.length > 0 && random.between(0, 2) === 0) {
          heap.free(live.splice(random.between(0, live.length - 1), 1)[0]!);
          continue;
        }
        const size = random.between(34 * KIB, 128 * KIB);
        const block = heap.malloc(size);
        if (block !== 0) {
          live.push(block);
          continue;
        }
        refusals += 1;
        heap.trim();
        // What is behind the last block and the last page of metadata, from a page's start; runs of granules end with their SuperSlab.
        let end = Math.max(0, ...live.map((at) => at + heap.usableSize(at)));
        for (let page = 0; page < heap.memory.length; page += build.pageSize)
          if (page >= end && heap.kind(page) === Kind.Metadata) end = page + build.pageSize;
        end = Math.ceil(end / build.pageSize) * build.pageSize;
        const superslab = 32 * build.pageSize;
        const fits = end + size <= pages * WASM_PAGE;
        if (fits && Math.floor(end / superslab) === Math.floor((end + size - 1) / superslab))
          expect.fail(`${size} bytes were refused, though ${pages * WASM_PAGE - end} from ${end} on are free`);
      }
    }
    expect(refusals).toBeGreaterThan(100);
  });
});

test("hardened: a medium block that was freed and is resized is reported", () => {
  const heap = RawHeap.create(buildOf("hardened", "wasm32"));
  heap.threadInit(0);
  const block = heap.malloc(8192);
  heap.free(block);
  expect(() => heap.realloc(block, 5120)).toThrow();
});
