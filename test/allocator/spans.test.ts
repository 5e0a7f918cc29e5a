import { describe, expect, test } from "vitest";
import { buildsWhere, type Build } from "./support/builds.js";
import { Model, type Block } from "./support/model.js";
import { Random } from "../support/random.js";
import { RawHeap, Stat } from "./support/raw-heap.js";

const MIB = 1024 * 1024;
const OPERATIONS = 100;
const BLOCKS = 30;

/** Guard builds move every block that is resized, and keep freed ones for a while. */
describe.each(buildsWhere(({ guard }) => !guard))("$name in a memory that others grow too", (build) => {
  test("takes no more of it for a huge block, new or resized, while there is a free run that is long enough", () => {
    const random = new Random(3);
    const { heap, model, make } = start(build);
    for (let n = 0; n < OPERATIONS; ++n) {
      const size = Math.floor(random.between(build.pageSize * 8 + 1, 4 * MIB));
      const block = model.blocks[random.between(0, BLOCKS)];
      const { length } = heap.memory;
      const fits = model.longestFreeRun(heap) >= Math.ceil(size / build.pageSize) * build.pageSize;
      if (n % 20 === 0) model.growForeign(random.between(1, 3));
      else if (block === undefined) make(size);
      else if (random.between(0, 1) === 0) resize(heap, model, block, size);
      else free(heap, model, block);
      if (fits && n % 20 !== 0) expect(heap.memory.length).toBe(length);
    }
    model.checkAll(heap);
    expect(heap.memory.length).toBeGreaterThan(20 * MIB);
  });

  test("grows a block in front of free pages where it lies, in every span", () => {
    const { heap, model, make } = start(build);
    for (let span = 0; span < 3; ++span) {
      const address = resize(heap, model, make(3 * MIB), MIB);
      model.growForeign(1);
      const { length } = heap.memory;
      expect(resize(heap, model, model.blocks.at(-1), 3 * MIB)).toBe(address);
      expect(heap.memory.length).toBe(length);
    }
    model.checkAll(heap);
  });

  test("moves a block with another behind it into a free run, in every span", () => {
    const { heap, model, make } = start(build);
    for (let span = 0; span < 3; ++span) {
      const [run, block] = [make(4 * MIB), make(MIB)];
      make(MIB);
      model.growForeign(1);
      make(9 * MIB);
      free(heap, model, run);
      const { length } = heap.memory;
      expect(resize(heap, model, block, 3 * MIB)).toBe(run.address);
      make(MIB);
      expect(heap.memory.length).toBe(length);
    }
    model.checkAll(heap);
  });

  test("makes the memory longer by no more than is missing behind the last block", () => {
    const { heap, model, make } = start(build);
    // More than the tables that every heap begins with tell of: those of the rest are made when memory grows beyond.
    make(build.wide ? 70 * MIB : 20 * MIB);
    model.growForeign(1);
    const last = make(40 * MIB);
    const before = heap.stat(Stat.Committed);
    const free = heap.stat(Stat.FreePages);
    resize(heap, model, last, 80 * MIB);
    expect(heap.stat(Stat.Committed) - before).toBeLessThanOrEqual(40 * MIB);
    expect(heap.stat(Stat.FreePages)).toBeLessThanOrEqual(free);
  });
});

interface Start {
  readonly heap: RawHeap;
  readonly model: Model;
  readonly make: (size: number) => Block;
}

function start(build: Build): Start {
  const heap = RawHeap.create(build);
  const model = new Model(heap);
  return { heap, model, make: (size) => model.add(heap, heap.malloc(size), size) };
}

function resize(heap: RawHeap, model: Model, block: Block, size: number): number {
  const address = heap.realloc(block.address, size);
  expect(address).not.toBe(0);
  model.checkMoved(block, address, size);
  model.forget(block);
  model.add(heap, address, size);
  return address;
}

function free(heap: RawHeap, model: Model, block: Block): void {
  model.remove(block);
  heap.free(block.address);
}
