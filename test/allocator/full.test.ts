import { describe, expect, test } from "vitest";
import { TIMEOUT_MS } from "./support/budget.js";
import { buildsWhere } from "./support/builds.js";
import { ClassStat, RawHeap, RawMemory, Stat, WASM_PAGE } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const ALL_PAGES = 65536;
const END = ALL_PAGES * WASM_PAGE;
/** What the heap may keep for itself of a full memory: tables and metadata, and ends too short for one more block. */
const SLACK = 48 * MIB;

/** Guard builds fill what they hand out, so that all of the memory would be touched. */
describe.each(buildsWhere(({ wide, guard, addressBits }) => !wide && !guard && addressBits === 32))(
  "$name",
  (build) => {
    test(
      "fills 4 GiB with blocks of any kind but for its last pages, counts them right, and takes all of them back",
      () => {
        const heap = RawHeap.in(new RawMemory(build, ALL_PAGES));
        fillAndFree(heap, 255 * MIB);
        fillAndFree(heap, 3 * MIB + 1);
        fillAndFree(heap, 512 * KIB);
        fillAndFree(heap, 64 * KIB);
        fillAndFree(heap, 32 * KIB);
        // Metadata, which stays, lies between: blocks that are much larger would not fill the memory any more.
        fillAndFree(heap, 300 * KIB);
      },
      TIMEOUT_MS,
    );

    test.each([16, 64 * KIB, 2 * MIB, 256 * MIB])("gives no block aligned to %i that ends at 2^32", (align) => {
      const heap = RawHeap.in(new RawMemory(build, ALL_PAGES));
      let top = 0;
      for (let size = 2 ** 31; size >= WASM_PAGE; size /= 2) {
        for (let block = heap.memalign(align, size); block !== 0; block = heap.memalign(align, size)) {
          expect(block % align).toBe(0);
          top = Math.max(top, block + heap.usableSize(block));
        }
      }
      expect(top).toBeLessThanOrEqual(END - WASM_PAGE);
      expect(top).toBeGreaterThan(END - WASM_PAGE - 2 * align);
      expect(heap.stat(Stat.Live)).toBeLessThan(top);
    });
  },
);

/** Fills the memory with blocks of one size, and frees every second and then the others. */
function fillAndFree(heap: RawHeap, size: number): void {
  const blocks: number[] = [];
  for (let block = heap.malloc(size); block !== 0; block = heap.malloc(size)) blocks.push(block);
  const usable = heap.usableSize(blocks[0]!);
  const sorted = Float64Array.from(blocks).sort();
  sorted.forEach((block, n) => {
    const next = sorted[n + 1] ?? END - WASM_PAGE;
    if (block + size > next) expect.fail(`the block of ${size} bytes at ${block} ends behind ${next}`);
    if (heap.usableSize(block) < size) expect.fail(`${block} has ${heap.usableSize(block)} bytes of ${size}`);
  });
  const { bytes } = heap.memory;
  for (const [n, block] of blocks.entries()) bytes[block] = bytes[block + size - 1] = n;
  for (const [n, block] of blocks.entries()) {
    if (bytes[block] !== n % 256 || bytes[block + size - 1] !== n % 256)
      expect.fail(`the block at ${block} was overwritten`);
  }

  expect(heap.stat(Stat.Live)).toBe(blocks.reduce((sum, block) => sum + heap.usableSize(block), 0));
  expect(heap.stat(Stat.Live)).toBeGreaterThan(END - SLACK - usable);
  expect(heap.stat(Stat.Committed)).toBeLessThanOrEqual(END - WASM_PAGE);
  expect(heap.stat(Stat.Committed)).toBeGreaterThan(END - SLACK - usable);
  expect(heap.stat(Stat.FreePages)).toBeLessThan(usable + SLACK);
  expect(heap.stat(Stat.Cached)).toBeLessThan(SLACK);
  expect(heap.stat(Stat.Metadata)).toBeLessThan(SLACK);
  const small = heap.blockSizes.indexOf(size);
  if (small !== -1) expect(heap.classStat(small, ClassStat.Live)).toBeGreaterThan((END - SLACK) / size);

  for (const keep of [1, 0]) blocks.forEach((block, n) => n % 2 !== keep && heap.free(block));
  expect(heap.stat(Stat.Live)).toBe(0);
  heap.trim();
  expect(heap.stat(Stat.Cached)).toBe(0);
  expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
}
