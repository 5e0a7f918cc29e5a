import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TIMEOUT_MS, runs } from "./support/budget.js";
import { BUILDS, buildsWhere } from "./support/builds.js";
import { Model } from "./support/model.js";
import { Kind, RawHeap, RawMemory, Stat, WASM_PAGE } from "./support/raw-heap.js";

const EINVAL = 22;
const ENOMEM = 12;
/** Pages of a memory that none of the requests below fits. */
const SMALL_MEMORY = 256;

/** Numbers around which arithmetic on 32 bits goes wrong. */
const edge = fc
  .tuple(
    fc.constantFrom(0, 2 ** 14, 2 ** 15, 2 ** 16, 2 ** 20, 2 ** 29, 2 ** 30, 2 ** 31, 2 ** 32 - 2 ** 16, 2 ** 32),
    fc.integer({ min: -70_000, max: 70_000 }),
  )
  .map(([base, offset]) => Math.min(Math.max(base + offset, 0), 2 ** 32 - 1));
const word = fc.oneof(edge, fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const anyAlign = fc.oneof(
  word,
  fc.nat(31).map((exponent) => 2 ** exponent),
);

describe.each(BUILDS)("$name", (build) => {
  test(
    "every call with any size and any alignment gives a block as it was asked for, or refuses and changes nothing",
    () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(6), word, anyAlign), { maxLength: 30 }), (requests) => {
          const heap = RawHeap.create(build, SMALL_MEMORY);
          const model = new Model(heap);
          const out = model.add(heap, heap.malloc(16), 16);
          for (const [call, size, align] of requests) request(heap, model, out.address, call, size, align);
          model.checkAll(heap);
          for (const block of model.blocks.slice()) {
            model.remove(block);
            heap.free(block.address);
          }
          expect(heap.stat(Stat.Live)).toBe(0);
        }),
        runs(60),
      );
    },
    TIMEOUT_MS,
  );

  test("products that do not fit an address are refused, whichever way they wrap", () => {
    const heap = RawHeap.create(build, SMALL_MEMORY);
    const block = heap.malloc(100);
    // Each product is a small number once its upper half is cut off.
    const factors = build.wide
      ? ([
          [2 ** 32, 2 ** 32],
          [2 ** 40, 2 ** 24],
          [2 ** 52, 2 ** 12],
        ] as const)
      : ([
          [2 ** 16, 2 ** 16],
          [2 ** 31, 2],
          [0x10001, 0xffff0001],
          [0x55555556, 3],
        ] as const);
    for (const [count, size] of factors) {
      expect(heap.calloc(count, size)).toBe(0);
      expect(heap.calloc(size, count)).toBe(0);
      expect(heap.reallocarray(block, count, size)).toBe(0);
      expect(heap.reallocarray(0, size, count)).toBe(0);
    }
    expect(heap.usableSize(block)).toBe(build.guard ? 100 : 112);
  });

  describe("thread_init", () => {
    test("a second time answers with the same heap, and begins nothing", () => {
      const heap = RawHeap.create(build);
      const control = heap.threadInit(0);
      const block = heap.malloc(100);
      const id = heap.threadId;
      expect(heap.threadInit(0)).toBe(control);
      expect(heap.threadInit(control)).toBe(control);
      expect(heap.threadId).toBe(id);
      expect(heap.stat(Stat.Threads)).toBe(1);
      expect(heap.usableSize(block)).toBe(build.guard ? 100 : 112);
    });

    test("with another heap's control is refused while the thread has one", () => {
      const heap = RawHeap.create(build);
      const other = new RawHeap(build, heap.memory);
      const second = other.threadInit(0);
      expect(second).not.toBe(0);
      expect(heap.threadInit(second)).toBe(heap.noHeap);
      expect(heap.malloc(16)).not.toBe(0);
    });

    test("makes a second heap in the same memory, apart from the first", () => {
      const heap = RawHeap.create(build);
      const other = new RawHeap(build, heap.memory);
      other.threadInit(0);
      const blocks = [heap, other].flatMap((each) => Array.from({ length: 500 }, () => each.malloc(1000)));
      expect(new Set(blocks).size).toBe(1000);
      expect(heap.usableSize(blocks[500]!)).toBe(0);
      expect(other.usableSize(blocks[0]!)).toBe(0);
    });

    test("in a memory without room for a heap is refused, again and again", () => {
      const heap = new RawHeap(build, new RawMemory(build, 1, 1));
      expect(heap.threadInit(0)).toBe(0);
      expect(heap.threadInit(0)).toBe(0);
      expect(heap.threadId).toBe(0);
    });

    test("with an address where no heap is is refused", () => {
      const heap = RawHeap.create(build);
      const control = heap.threadInit(0);
      heap.malloc(100);
      const other = new RawHeap(build, heap.memory);
      const end = heap.memory.length;
      const strange = [1, 4, control + 1, control + 4, control + 16, control + 4096, end - 8, end - 4, end - 1, end];
      for (const address of [...strange, end + WASM_PAGE, 2 ** 31, 2 ** 32 - 8, 2 ** 32 - 1]) {
        expect(other.threadInit(address)).toBe(heap.noHeap);
      }
      expect(other.threadId).toBe(0);
      expect(other.threadInit(control)).toBe(control);
    });

    test("with an address at which the beginning of a heap is forged at the very end of memory is refused", () => {
      const heap = RawHeap.create(build);
      const control = heap.threadInit(0);
      const { bytes } = heap.memory;
      for (const length of [4, 8, 16, 32, 64]) {
        bytes.copyWithin(bytes.length - length, control, control + length);
        expect(new RawHeap(build, heap.memory).threadInit(bytes.length - length)).toBe(heap.noHeap);
      }
    });

    const others = BUILDS.filter(
      ({ shared, wide, profile }) => shared === build.shared && wide === build.wide && profile !== build.profile,
    );
    test.each(others)("on a heap of $name is refused", (other) => {
      const heap = RawHeap.create(other);
      const control = heap.threadInit(0);
      const stranger = new RawHeap(build, heap.memory);
      expect(stranger.threadInit(control)).toBe(heap.noHeap);
      expect(stranger.threadId).toBe(0);
    });
  });
});

describe.each(buildsWhere(({ shared }) => shared))("$name", (build) => {
  test("many threads on one heap each get an id of their own", () => {
    const heap = RawHeap.create(build);
    const control = heap.threadInit(0);
    const threads = Array.from({ length: 100 }, () => heap.join(control));
    const ids = new Set([heap, ...threads].map(({ threadId }) => threadId));
    expect(ids.size).toBe(101);
    expect(heap.stat(Stat.Threads)).toBe(101);
  });

  test("a thread for which there is no memory is refused, and the heap goes on", () => {
    const heap = RawHeap.create(build, 16);
    const control = heap.threadInit(0);
    const blocks = exhaust(heap);
    let threads = 0;
    while (new RawHeap(build, heap.memory).threadInit(control) !== 0) ++threads;
    expect(threads).toBeLessThan(1000);
    for (const block of blocks) heap.free(block);
    heap.trim();
    expect(heap.join(control).malloc(1000)).not.toBe(0);
  });
});

/** Takes all memory, down to the smallest blocks. */
function exhaust(heap: RawHeap): number[] {
  const blocks: number[] = [];
  for (const size of [100_000, 1000, 16]) {
    for (let block = heap.malloc(size); block !== 0; block = heap.malloc(size)) blocks.push(block);
  }
  return blocks;
}

function request(heap: RawHeap, model: Model, out: number, call: number, size: number, align: number): void {
  const valid = align > 0 && Number.isInteger(Math.log2(align));
  let address: number;
  let aligned = 0;
  if (call === 0) address = heap.malloc(size);
  else if (call === 1) address = heap.calloc(1, size);
  else if (call === 2) address = heap.realloc(0, size);
  else if (call === 3) address = heap.reallocarray(0, size, 1);
  else {
    if (call === 6) {
      const result = heap.posixMemalign(out, align, size);
      const word = heap.build.wide ? 8 : 4;
      if (!valid || align < word) expect(result).toBe(EINVAL);
      else expect([0, ENOMEM]).toContain(result);
      address = result === 0 ? heap.wordAt(out) : 0;
      if (result === 0) {
        // The block that the address was stored in holds what the model thinks once more.
        const block = model.blocks.find((candidate) => candidate.address === out)!;
        model.forget(block);
        model.add(heap, out, block.size);
      }
    } else {
      address = call === 4 ? heap.memalign(align, size) : heap.alignedAlloc(align, size);
      if (!valid) expect(address).toBe(0);
    }
    aligned = align;
  }
  if (address !== 0) model.add(heap, address, size, aligned);
}

// Guard and hardened builds report them: see guard.test.ts and hardened.test.ts.
describe.each(buildsWhere(({ guard, hardened }) => !guard && !hardened))("$name", (build) => {
  test(
    "free, realloc and usable size of any number do no harm, unless it points into a slab",
    () => {
      fc.assert(
        fc.property(fc.array(word, { maxLength: 300 }), fc.boolean(), (pointers, trimmed) => {
          const heap = RawHeap.create(build, 512);
          const model = new Model(heap);
          const free = [50_000, 300_000, 2_000_000].map((size) => heap.malloc(size));
          for (const size of [10, 100, 5000, 50_000, 300_000, 2_000_000]) model.add(heap, heap.malloc(size), size);
          for (const block of free) heap.free(block);
          if (trimmed) heap.trim();
          const known = new Set([...model.blocks.map(({ address }) => address), ...free]);
          const near = model.blocks.flatMap(({ address }) => pointers.map((pointer) => address + (pointer % 2 ** 21)));
          for (const pointer of [...pointers, ...near]) {
            if (pointer === 0 || known.has(pointer) || heap.kind(pointer) === Kind.Small) continue;
            heap.usableSize(pointer);
            heap.free(pointer);
            expect(heap.realloc(pointer, 64)).toBe(0);
          }
          for (const size of [10, 100, 5000, 50_000, 300_000, 2_000_000]) model.add(heap, heap.malloc(size), size);
          for (const block of model.blocks) model.check(block);
        }),
        runs(20),
      );
    },
    TIMEOUT_MS,
  );
});
