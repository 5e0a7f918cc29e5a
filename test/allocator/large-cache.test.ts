import { describe, expect, test } from "vitest";
import { buildsWhere, type Build } from "./support/builds.js";
import { Random } from "../support/random.js";
import { RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
/** All that the cache of large blocks may hold: 16 slots of each of the four smallest rows, and four times as many bytes again. */
const CACHED_GRANULES = 4 * 16 * 16 * 4;
/** What a heap takes beside its blocks: a growth step, metadata, and slack in the SuperSlabs. */
const SLACK = 4 * MIB;
const CALLS = 4000;

/** In guard builds freed blocks wait in quarantine, which has a bound of its own. */
describe.each(buildsWhere(({ shared, guard }) => shared && !guard))("$name", (build) => {
  const cacheBytes = CACHED_GRANULES * build.granuleSize;
  const sizeOf = (random: Random): number => random.between(build.pageSize / 2 + 1, build.pageSize * 8);

  test.each([1, 9, 100])("%i threads that only free large blocks keep no more than one cache holds", (consumers) => {
    const { heap, threads } = makeThreads(build, consumers);
    const random = new Random(consumers);
    for (let n = 0; n < CALLS; ++n) threads[n % consumers]!.free(heap.malloc(sizeOf(random)));
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.Cached)).toBeLessThanOrEqual(cacheBytes);
    expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(cacheBytes + consumers * 8 * KIB + SLACK);
  });

  test("threads that only free blocks of one size take as much memory however many they are", () => {
    const committed = [1, 30].map((consumers) => {
      const { heap, threads } = makeThreads(build, 30);
      for (let n = 0; n < CALLS; ++n) threads[n % consumers]!.free(heap.malloc(64 * KIB));
      return heap.stat(Stat.Committed);
    });
    expect(committed[1]).toBe(committed[0]);
  });

  describe("blocks that one thread has freed and the cache holds", () => {
    /** A thread that has freed blocks of all sizes, and another that has not. */
    function withCached(): { heap: RawHeap; other: RawHeap } {
      const { heap, threads } = makeThreads(build, 1);
      const random = new Random(1);
      const blocks = Array.from({ length: 40 }, () => heap.malloc(sizeOf(random)));
      for (const block of blocks) heap.free(block);
      expect(heap.stat(Stat.Cached)).toBeGreaterThan(0);
      return { heap, other: threads[0]! };
    }

    test.each([9, 16, 47, 128])("are what another is given who asks for so many granules, %i", (granules) => {
      const { heap, threads } = makeThreads(build, 1);
      const blocks = [0, 1].map(() => heap.malloc(granules * build.granuleSize));
      for (const block of blocks) heap.free(block);
      const taken = blocks.map(() => threads[0]!.malloc(granules * build.granuleSize));
      expect(new Set(taken)).toEqual(new Set(blocks));
    });

    test.each([
      { what: "large blocks of another size", size: build.pageSize / 2 + 1 },
      { what: "huge blocks", size: build.pageSize * 9 },
      { what: "small blocks", size: 1000 },
    ])("are what another cuts $what from before memory grows", ({ size }) => {
      const { heap, other } = withCached();
      const { length } = heap.memory;
      // Not all of it: what is left over at the end of a run may be too short.
      const bytes = heap.stat(Stat.FreePages) + 0.8 * heap.stat(Stat.Cached);
      for (let taken = 0; taken + size < bytes;) {
        const block = other.malloc(size);
        taken += other.usableSize(block);
      }
      expect(heap.memory.length).toBe(length);
    });

    test("go when another trims", () => {
      const { heap, other } = withCached();
      expect(other.trim()).toBe(1);
      expect(heap.stat(Stat.Cached)).toBe(0);
      expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
    });
  });
});

function makeThreads(build: Build, count: number): { heap: RawHeap; threads: RawHeap[] } {
  const heap = RawHeap.create(build);
  const control = heap.threadInit(0);
  return { heap, threads: Array.from({ length: count }, () => heap.join(control)) };
}
