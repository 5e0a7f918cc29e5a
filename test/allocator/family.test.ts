import { describe, expect, test } from "vitest";
import { BUILDS, buildsWhere, type Build } from "./support/builds.js";
import { expectPainted, expectZero, paint } from "./support/model.js";
import { ClassStat, Kind, RawHeap, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
/** Bytes of the largest block that threads cache. */
const MEDIUM_MAX = 64 * KIB;
const EINVAL = 22;
const ENOMEM = 12;

describe.each(BUILDS)("$name", (build) => {
  const heap = (): RawHeap => RawHeap.create(build);
  const tooMuch = tooMuchFor(build);

  describe("malloc", () => {
    test("of nothing gives a unique block", () => {
      const h = heap();
      const blocks = [h.malloc(0), h.malloc(0), h.malloc(0)];
      expect(blocks).not.toContain(0);
      expect(new Set(blocks).size).toBe(3);
    });

    test("of more than there can be gives null, and takes nothing", () => {
      const h = heap();
      const committed = h.stat(Stat.Committed);
      expect(h.malloc(tooMuch)).toBe(0);
      expect(h.stat(Stat.Committed)).toBe(committed);
    });
  });

  test("free of null does nothing", () => {
    const h = heap();
    h.free(0);
    h.freeSized(0, 100);
    h.freeAlignedSized(0, 64, 100);
    expect(h.stat(Stat.Live)).toBe(0);
  });

  describe("calloc", () => {
    test.each([16, 1000, 100 * KIB, MIB, 3 * MIB])("gives %i zeros, where others wrote before, too", (size) => {
      const h = heap();
      const dirty = Array.from({ length: 8 }, () => h.malloc(size));
      for (const block of dirty) h.memory.bytes.fill(0xff, block, block + size);
      for (const block of dirty) h.free(block);
      for (let n = 0; n < 8; ++n) {
        const block = h.calloc(n % 2 ? 1 : size, n % 2 ? size : 1);
        expectZero(h.memory.bytes, block, size);
      }
    });

    test("gives null when the product does not fit an address", () => {
      const h = heap();
      const half = build.wide ? 2 ** 32 : 2 ** 16;
      expect(h.calloc(half, half)).toBe(0);
      expect(h.calloc(half + 1, half - 1)).toBe(0);
      expect(h.calloc(tooMuch, 2)).toBe(0);
      expect(h.calloc(2, tooMuch)).toBe(0);
    });

    test("of nothing gives a block", () => {
      const h = heap();
      expect(h.calloc(0, 0)).not.toBe(0);
      expect(h.calloc(0, tooMuch)).not.toBe(0);
      expect(h.calloc(tooMuch, 0)).not.toBe(0);
    });
  });

  describe("realloc", () => {
    test("of null allocates", () => {
      expect(heap().realloc(0, 100)).not.toBe(0);
    });

    test("keeps the contents on every way from one size to another", () => {
      const h = heap();
      const sizes = [1, 100, 5000, 40 * KIB, 200 * KIB, 700 * KIB, 3 * MIB];
      for (const from of sizes) {
        for (const to of sizes) {
          const block = h.malloc(from);
          paint(h.memory.bytes, block, from, from % 100);
          const moved = h.realloc(block, to);
          expectPainted(h.memory.bytes, moved, Math.min(from, to), from % 100);
          h.free(moved);
        }
      }
      expect(h.stat(Stat.Live)).toBe(0);
    });

    test("that is refused changes nothing", () => {
      const h = heap();
      const block = h.malloc(1000);
      paint(h.memory.bytes, block, 1000, 1);
      expect(h.realloc(block, tooMuch)).toBe(0);
      expect(h.reallocarray(block, tooMuch, 2)).toBe(0);
      expectPainted(h.memory.bytes, block, 1000, 1);
      expect(h.stat(Stat.Live)).toBe(h.usableSize(block));
    });
  });

  describe("an aligned call", () => {
    test("aligns to every power of two up to a SuperSlab", () => {
      const h = heap();
      for (let align = 1; align <= build.superslabSize; align *= 2) {
        for (const size of [0, 1, align - 1, align, align + 1, 3 * align]) {
          for (const block of [h.memalign(align, size), h.alignedAlloc(align, size)]) {
            expect(block).not.toBe(0);
            expect(block % Math.max(align, 16)).toBe(0);
            expect(h.usableSize(block)).toBeGreaterThanOrEqual(size);
          }
        }
      }
    });

    test("refuses alignments that are no powers of two", () => {
      const h = heap();
      for (const align of [0, 3, 17, 48, 65537, tooMuch]) {
        expect(h.memalign(align, 100)).toBe(0);
        expect(h.alignedAlloc(align, 100)).toBe(0);
      }
    });
  });

  describe("posix_memalign", () => {
    test("stores the block and returns 0", () => {
      const h = heap();
      const out = h.malloc(16);
      expect(h.posixMemalign(out, 1024, 100)).toBe(0);
      const block = h.wordAt(out);
      expect(block % 1024).toBe(0);
      expect(h.usableSize(block)).toBeGreaterThanOrEqual(100);
    });

    test.each([0, 1, 2, 3, 24, 100])("refuses the alignment %i with EINVAL and stores nothing", (align) => {
      const { h, out, unchanged } = painted();
      expect(h.posixMemalign(out, align, 100)).toBe(EINVAL);
      unchanged();
    });

    test("returns ENOMEM and stores nothing when there is not enough memory", () => {
      const { h, out, unchanged } = painted();
      expect(h.posixMemalign(out, 64, tooMuch)).toBe(ENOMEM);
      expect(h.posixMemalign(out, 2 ** 31, 100)).toBe(ENOMEM);
      unchanged();
    });

    function painted(): { h: RawHeap; out: number; unchanged: () => void } {
      const h = heap();
      const out = h.malloc(16);
      paint(h.memory.bytes, out, 16, 5);
      return { h, out, unchanged: () => expectPainted(h.memory.bytes, out, 16, 5) };
    }
  });

  test("size classes step by 16 bytes to 128, and then at least four times for each doubling", () => {
    const sizes = heap().blockSizes;
    expect(sizes.slice(0, 8)).toEqual([16, 32, 48, 64, 80, 96, 112, 128]);
    for (let index = 8; index < sizes.length; ++index) {
      expect(sizes[index]! % 16).toBe(0);
      expect(sizes[index]! / sizes[index - 1]!).toBeLessThanOrEqual(1.25);
    }
  });

  test("the kind of an address is that of what lies there", () => {
    const h = heap();
    const control = h.threadInit(0);
    expect(h.kind(control)).toBe(Kind.Metadata);
    expect(h.kind(h.malloc(100))).toBe(Kind.Small);
    expect(h.kind(h.malloc(50 * KIB))).toBe(Kind.Large);
    const huge = h.malloc(3 * MIB);
    expect(h.kind(huge)).toBe(Kind.Huge);
    expect(h.kind(huge + 2 * MIB)).toBe(Kind.Huge);
    expect(h.kind(0xfffffff0)).toBe(Kind.Foreign);
  });
});

/** What holds where a block is what its class says, and is used again at once. */
describe.each(buildsWhere(({ guard }) => !guard))("$name", (build) => {
  const heap = (): RawHeap => RawHeap.create(build);
  const tooMuch = tooMuchFor(build);

  describe("malloc", () => {
    test("gives back what was freed last", () => {
      const h = heap();
      const block = h.malloc(100);
      h.free(block);
      expect(h.malloc(100)).toBe(block);
    });

    test("uses what lies before new memory", () => {
      const h = heap();
      for (const size of [100, 100 * KIB, MIB, 5 * MIB]) {
        h.free(h.malloc(size));
        const committed = h.stat(Stat.Committed);
        for (let n = 0; n < 100; ++n) h.free(h.malloc(size));
        expect(h.stat(Stat.Committed)).toBe(committed);
      }
    });
  });

  describe("realloc", () => {
    test("to nothing leaves the smallest block", () => {
      const h = heap();
      const block = h.realloc(h.malloc(1000), 0);
      expect(block).not.toBe(0);
      expect(h.usableSize(block)).toBe(16);
      expect(h.stat(Stat.Live)).toBe(16);
    });

    test("within the block's class stays in place", () => {
      const h = heap();
      const block = h.malloc(1000);
      expect(h.realloc(block, h.usableSize(block))).toBe(block);
      expect(h.realloc(block, 900)).toBe(block);
    });

    test.each([100 * KIB, 2 * MIB])("of %i bytes grows in place where the next pages are free", (size) => {
      const h = heap();
      h.free(h.malloc(8 * size));
      h.trim();
      const block = h.malloc(size);
      expect(h.realloc(block, size + size / 2)).toBe(block);
      expect(h.usableSize(block)).toBeGreaterThanOrEqual(size + size / 2);
    });

    test("shrinks large and huge blocks in place, and gives back the rest", () => {
      const h = heap();
      for (const size of [300 * KIB, 4 * MIB]) {
        const block = h.malloc(size);
        const smaller = Math.ceil(size * 0.6);
        expect(h.realloc(block, smaller)).toBe(block);
        expect(h.usableSize(block)).toBeLessThan(size);
        expect(h.stat(Stat.Live)).toBe(h.usableSize(block));
        h.free(block);
      }
    });
  });

  test("usable size is what a block of the class holds, and 0 for null", () => {
    const h = heap();
    expect(h.usableSize(0)).toBe(0);
    const sizes = h.blockSizes;
    for (const size of sizes) expect(h.usableSize(h.malloc(size))).toBe(size);
    for (const [index, size] of sizes.slice(0, -1).entries()) {
      expect(h.usableSize(h.malloc(size + 1))).toBe(sizes[index + 1]);
    }
  });

  test("prewarm fills the cache without anything being live, and malloc takes it from there", () => {
    const h = heap();
    const cached = h.prewarm(100, 50);
    expect(cached).toBeGreaterThan(0);
    expect(h.stat(Stat.Live)).toBe(0);
    expect(h.stat(Stat.Cached)).toBe(cached * 112);
    h.malloc(100);
    expect(h.stat(Stat.Cached)).toBe((cached - 1) * 112);
    expect(h.prewarm(100, 0)).toBe(cached - 1);
  });

  test("prewarm of what is not cached by class answers 0", () => {
    const h = heap();
    // A magazine is half of what a thread may cache of a class.
    const cachedMax = build.profile === "compact" ? 8 * KIB : MEDIUM_MAX;
    expect(h.prewarm(0, 10)).toBe(0);
    expect(h.prewarm(tooMuch, 10)).toBe(0);
    expect(h.prewarm(cachedMax + 1, 10)).toBe(0);
    expect(h.prewarm(cachedMax, 1)).toBe(1);
  });

  test("prewarm caches nothing that lies between large blocks, where no slab has room", () => {
    const h = RawHeap.create(build, 400);
    const small = build.pageSize / 4;
    const large = 7 * build.pageSize + 1;
    const first = h.malloc(small);
    while (h.malloc(large) !== 0);
    while (h.kind(h.malloc(small)) === Kind.Small);
    h.free(first);
    const live = h.stat(Stat.Live);
    expect(h.prewarm(small, 100)).toBe(1);
    expect(h.stat(Stat.Live)).toBe(live);
  });

  test("figures of a class count its blocks, wherever they are", () => {
    const h = heap();
    const index = h.blockSizes.indexOf(112);
    const blocks = Array.from({ length: 1000 }, () => h.malloc(100));
    expect(h.classStat(index, ClassStat.Live)).toBe(1000);
    expect(h.classStat(index, ClassStat.Slabs)).toBe(Math.ceil(1000 / Math.floor(build.pageSize / 112)));
    blocks.forEach((block) => h.free(block));
    expect(h.classStat(index, ClassStat.Live)).toBe(0);
    expect(h.classStat(index, ClassStat.Cached)).toBeGreaterThan(0);
    h.trim();
    expect(h.classStat(index, ClassStat.Cached)).toBe(0);
    expect(h.classStat(index, ClassStat.Slabs)).toBe(0);
  });
});

describe("instances of different builds", () => {
  test("agree on the configuration only when they may share a heap", () => {
    const hashes = BUILDS.map((build: Build) => RawHeap.create(build).configHash);
    const may = new Set(BUILDS.map(({ profile, target }) => `${profile} ${target}`));
    expect(new Set(hashes).size).toBeGreaterThanOrEqual(new Set(BUILDS.map(({ profile }) => profile)).size);
    expect(may.size).toBe(BUILDS.length);
  });
});

/** More bytes than any heap of a build can have. */
function tooMuchFor(build: Build): number {
  return build.wide ? 2 ** 53 : 2 ** 32 - 1;
}
