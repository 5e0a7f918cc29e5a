import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TIMEOUT_MS } from "./support/budget.js";
import { BUILDS, buildsWhere, type Build } from "./support/builds.js";
import { operations, type Operation } from "./support/operations.js";
import { Program } from "./support/program.js";
import { RawHeap, Stat } from "./support/raw-heap.js";
import { RefusingMemory } from "./support/refusal.js";

const MAXIMUM_PAGES = 200;
const OPERATIONS = 40;
/** The same workload each time, so that each of its growths can be refused. */
const SEED = 5;

describe.each(BUILDS)("$name", (build) => {
  const threads = build.shared ? 2 : 1;
  const samples = fc.sample(operations(OPERATIONS, { threads: build.shared }), { numRuns: 20, seed: SEED });
  const workload = samples.flat().slice(0, OPERATIONS);

  test.each([
    { which: "the n-th growth", refuses: (n: number) => (number: number) => number === n },
    { which: "every growth from the n-th on", refuses: (n: number) => (number: number) => number >= n },
    { which: "every growth but the n-th", refuses: (n: number) => (number: number) => number !== n },
  ])(
    "$which is refused, for every n of a workload, and every call gives a block as it was asked for or null",
    ({ refuses }) => {
      const growths = run(build, workload, threads, () => false);
      expect(growths).toBeGreaterThan(3);
      for (let n = 1; n <= growths; ++n) run(build, workload, threads, refuses(n));
    },
    TIMEOUT_MS,
  );

  test("thread_init answers 0 when its growth is refused, and a heap when it is asked again", () => {
    const memory = new RefusingMemory(build, MAXIMUM_PAGES);
    memory.refuses = (number) => number === 1;
    const heap = new RawHeap(memory.build, memory);
    expect(heap.threadInit(0)).toBe(0);
    expect(heap.threadId).toBe(0);
    expect(heap.threadInit(0)).not.toBe(0);
    expect(heap.malloc(100)).not.toBe(0);
  });
});

describe.each(buildsWhere(({ shared }) => shared))("$name", (build) => {
  test("a thread for whose heap memory is refused can join later", () => {
    const memory = new RefusingMemory(build, MAXIMUM_PAGES);
    const heap = RawHeap.in(memory);
    const control = heap.threadInit(0);
    memory.refuses = () => true;
    const threads: RawHeap[] = [];
    let last: RawHeap;
    do threads.push((last = new RawHeap(memory.build, memory)));
    while (last.threadInit(control) !== 0);
    expect(heap.stat(Stat.Threads)).toBe(threads.length);
    memory.refuses = () => false;
    expect(last.threadInit(control)).toBe(control);
    expect(last.malloc(100)).not.toBe(0);
  });
});

/** In guard builds what is freed waits in quarantine. */
describe.each(buildsWhere(({ shared, guard }) => shared && !guard))("$name", (build) => {
  test.each([
    { what: "large", size: 100 * 1024 },
    { what: "huge", size: build.pageSize * 9 },
  ])("a $what block that another thread frees while one asks the memory for more is not refused", ({ size }) => {
    const memory = new RefusingMemory(build, MAXIMUM_PAGES);
    const heap = RawHeap.in(memory);
    const other = heap.join(heap.threadInit(0));
    const blocks: number[] = [];
    for (let block = other.malloc(size); block !== 0; block = other.malloc(size)) blocks.push(block);
    memory.refuses = () => {
      if (blocks.length > 0) other.free(blocks.pop()!);
      return true;
    };
    expect(heap.malloc(size)).not.toBe(0);
  });
});

/** Runs a workload beside a model; what is refused must be for a growth that was refused. Returns how many were asked for. */
function run(
  build: Build,
  workload: readonly Operation[],
  threads: number,
  refuses: (number: number) => boolean,
): number {
  const memory = new RefusingMemory(build, MAXIMUM_PAGES);
  const program = new Program(memory, threads);
  memory.asked = 0;
  memory.refuses = refuses;
  for (const operation of workload) {
    memory.refused = 0;
    program.apply(operation);
  }
  program.model.checkAll(program.heap);
  const { asked } = memory;
  program.finish();
  return asked;
}
