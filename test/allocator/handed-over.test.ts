import { describe, expect, test } from "vitest";
import { buildsWhere, type Build } from "./support/builds.js";
import { Random } from "../support/random.js";
import { ClassStat, RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Longer blocks are no thread's when they are free. */
const MEDIUM_MAX = 64 * KIB;
/** What a heap takes beside its blocks: a growth step, metadata, and slack in the SuperSlabs. */
const SLACK = 4 * MIB;
const CALLS = 4000;

/** In guard builds freed blocks wait in quarantine, which has a bound of its own. */
describe.each(buildsWhere(({ shared, guard }) => shared && !guard))("$name", (build) => {
  const largest = build.pageSize * 8;
  const sizeOf = (random: Random): number => random.between(MEDIUM_MAX + 1, largest);

  test.each([1, 9, 100])("%i threads that only free large blocks keep none of them", (consumers) => {
    const { heap, threads } = makeThreads(build, consumers);
    const random = new Random(consumers);
    for (let n = 0; n < CALLS; ++n) threads[n % consumers]!.free(heap.malloc(sizeOf(random)));
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.Cached)).toBe(0);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(consumers * 8 * KIB + SLACK);
  });

  test("threads that only free blocks of one large size take as much memory however many they are", () => {
    const committed = [1, 30].map((consumers) => {
      const { heap, threads } = makeThreads(build, 30);
      for (let n = 0; n < CALLS; ++n) threads[n % consumers]!.free(heap.malloc(100 * KIB));
      return heap.stat(Stat.Committed);
    });
    expect(committed[1]).toBe(committed[0]);
  });

  test("slabs of which another thread has freed a few blocks are released when their own has freed the rest", () => {
    const { heap, threads } = makeThreads(build, 1);
    const size = 256;
    const perPage = build.pageSize / size;
    const blocks = Array.from({ length: 100 * perPage }, () => heap.malloc(size));
    const [few, most, rest]: number[][] = [[], [], []];
    const seen = new Map<number, number>();
    for (const block of blocks) {
      const page = Math.floor(block / build.pageSize);
      const nth = seen.get(page) ?? 0;
      seen.set(page, nth + 1);
      (nth < 2 ? few : nth < perPage - 4 ? most : rest)!.push(block);
    }
    for (const block of most!) heap.free(block);
    for (const block of few!) threads[0]!.free(block);
    threads[0]!.trim();
    // A refill of another class takes in what others have sent.
    heap.free(heap.malloc(1500));
    for (const block of rest!) heap.free(block);
    const cls = Array.from({ length: 64 }, (_, index) => index).find(
      (index) => heap.classStat(index, ClassStat.BlockSize) === size,
    );
    // What the caches hold keeps some.
    expect(heap.classStat(cls!, ClassStat.Slabs)).toBeLessThan(40);
  });

  describe("large blocks that one thread has freed", () => {
    /** A thread that has freed blocks of all sizes, and another that has not. */
    function withFreed(): { heap: RawHeap; other: RawHeap; bytes: number } {
      const { heap, threads } = makeThreads(build, 1);
      const random = new Random(1);
      const blocks = Array.from({ length: 40 }, () => heap.malloc(sizeOf(random)));
      const bytes = blocks.reduce((sum, block) => sum + heap.usableSize(block), 0);
      for (const block of blocks) heap.free(block);
      return { heap, other: threads[0]!, bytes };
    }

    test.each([72, 88, 128])("are what another is given who asks for so many granules, %i", (granules) => {
      const { heap, threads } = makeThreads(build, 1);
      const blocks = [0, 1].map(() => heap.malloc(granules * build.granuleSize));
      for (const block of blocks) heap.free(block);
      const taken = blocks.map(() => threads[0]!.malloc(granules * build.granuleSize));
      expect(new Set(taken)).toEqual(new Set(blocks));
    });

    test.each([
      { what: "medium blocks", size: build.pageSize / 2 + 1 },
      { what: "large blocks of another size", size: MEDIUM_MAX + 1 },
      { what: "huge blocks", size: build.pageSize * 9 },
      { what: "small blocks", size: 1000 },
    ])("are what another cuts $what from before memory grows", ({ size }) => {
      const { heap, other, bytes } = withFreed();
      const { length } = heap.memory;
      // Not all of it: what is left over at the end of a run may be too short.
      for (let taken = 0; taken + size < 0.9 * bytes;) {
        const block = other.malloc(size);
        taken += other.usableSize(block);
      }
      expect(heap.memory.length).toBe(length);
    });

    test("are free pages when another trims", () => {
      const { heap, other } = withFreed();
      other.trim();
      expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
    });

    test("leave pages, if they were medium, that are free when another trims", () => {
      const { heap, threads } = makeThreads(build, 1);
      // More than a thread keeps.
      const blocks = Array.from({ length: 200 }, () => heap.malloc(MEDIUM_MAX / 2));
      for (const block of blocks) heap.free(block);
      const free = heap.stat(Stat.FreePages);
      threads[0]!.trim();
      expect(heap.stat(Stat.FreePages)).toBeGreaterThan(free);
    });
  });
});

function makeThreads(build: Build, count: number): { heap: RawHeap; threads: RawHeap[] } {
  const heap = RawHeap.create(build);
  const control = heap.threadInit(0);
  return { heap, threads: Array.from({ length: count }, () => heap.join(control)) };
}
