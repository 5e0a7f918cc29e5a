import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Random } from "../support/random.js";
import { TIMEOUT_MS, seconds } from "./support/budget.js";
import { buildsWhere, type Build } from "./support/builds.js";
import { Churn, type ChurnWorker, type Sizes } from "./support/churn.js";
import { RawHeap, Stat, WASM_PAGE } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL: readonly Sizes[] = [
  { least: 16, most: 256 },
  { least: 16, most: 8 * KIB },
  { least: 4 * KIB, most: 16 * KIB },
];
const LARGE: readonly Sizes[] = [
  { least: 16, most: 1024 },
  { least: 20 * KIB, most: 200 * KIB },
  { least: 200 * KIB, most: 800 * KIB },
];
const ROUNDS = 8;
const LONGEST_LIFE_MS = 30;
/** What one death may cost: the block in its hands, a magazine or a slab's list on its way, and pages being handed over. */
const LEAK_PER_DEATH = 2 * MIB;

const SHARED = buildsWhere(({ shared }) => shared);

describe.each(SHARED.filter(({ wide }) => !wide))("$name", (build) => {
  const survivors = 2;

  test.each([
    // All of the blocks of all who die would not fit the memory: those that come later live on what the dead have left.
    { what: "small blocks", sizes: SMALL, slots: 2000, maximumPages: 1200 },
    { what: "large and huge blocks", sizes: LARGE, slots: 100, maximumPages: 2400 },
  ])(
    "workers that are terminated at random moments leave $what to those who live on",
    async ({ sizes, slots, maximumPages }) => {
      const churn = new Churn(build, { sizes, slots, maximumPages });
      for (let n = 0; n < survivors; ++n) await churn.start();
      const deaths = await forRounds(async () => {
        const victim = await churn.start();
        await liveAWhile(victim, churn.random);
        await churn.terminate(victim);
        expect(churn.heap.threadReclaim(victim.threadId)).toBe(1);
        churn.freeLeftovers();
        // This thread does not allocate: what others free of the blocks that it took over waits for this.
        churn.heap.trim();
        await churn.run(1000);
      });
      await churn.finish();
      expect(churn.findings).toMatchObject({ damaged: 0, overlaps: 0, refused: 0 });
      expect(churn.heap.stat(Stat.Threads)).toBe(1);
      expect(churn.live).toBeLessThanOrEqual(deaths * LEAK_PER_DEATH);
    },
    TIMEOUT_MS,
  );

  test(
    "a worker that is terminated while it takes over another's blocks leaves both their blocks to the next",
    async () => {
      const churn = new Churn(build, { sizes: SMALL, slots: 2000, maximumPages: 1200 });
      await churn.start();
      const deaths = await forRounds(async () => {
        const [first, second] = await Promise.all([churn.start(), churn.start()]);
        await liveAWhile(first, churn.random);
        await churn.terminate(first);
        second.askToReclaim(first.threadId);
        await churn.terminate(second);
        expect(churn.heap.threadReclaim(second.threadId)).toBe(1);
        // Already taken over, or not begun.
        churn.heap.threadReclaim(first.threadId);
        churn.freeLeftovers();
        // This thread does not allocate: what others free of the blocks that it took over waits for this.
        churn.heap.trim();
        await churn.run(1000);
      });
      await churn.finish();
      expect(churn.findings).toMatchObject({ damaged: 0, overlaps: 0, refused: 0 });
      expect(churn.heap.stat(Stat.Threads)).toBe(1);
      expect(churn.live).toBeLessThanOrEqual(2 * deaths * LEAK_PER_DEATH);
    },
    TIMEOUT_MS,
  );
});

describe.each(SHARED)("$name, told of a death", (build) => {
  test("takes over a thread's blocks: what it held stays, what it had cached is used again", () => {
    const { heap, other } = twoThreads(build);
    const held = other.malloc(100);
    heap.memory.bytes.fill(7, held, held + 100);
    const cached = other.malloc(500);
    other.free(cached);
    expect(heap.threadReclaim(other.threadId)).toBe(1);
    expect(heap.stat(Stat.Threads)).toBe(1);
    expect(heap.stat(Stat.Live)).toBe(heap.usableSize(held));
    expect(heap.memory.bytes.subarray(held, held + 100).every((byte) => byte === 7)).toBe(true);
    heap.free(held);
    heap.trim();
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
  });

  test("does nothing the second time", () => {
    const { heap, other } = twoThreads(build);
    expect(heap.threadReclaim(other.threadId)).toBe(1);
    expect(heap.threadReclaim(other.threadId)).toBe(0);
  });

  test("does nothing for a thread that has exited", () => {
    const { heap, other } = twoThreads(build);
    const id = other.threadId;
    other.threadExit();
    expect(heap.threadReclaim(id)).toBe(0);
  });

  test("of all others at once, by the id 0, takes over what they all had", () => {
    const { heap, other, control } = twoThreads(build);
    const third = heap.join(control);
    const blocks = [other, third].map((thread) => thread.malloc(100));
    expect(heap.threadReclaim(0)).toBe(1);
    expect(heap.stat(Stat.Threads)).toBe(1);
    for (const block of blocks) heap.free(block);
    heap.trim();
    expect(heap.stat(Stat.Live)).toBe(0);
    expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
  });

  test("does nothing for the thread that asks", () => {
    const { heap } = twoThreads(build);
    expect(heap.threadReclaim(heap.threadId)).toBe(0);
    expect(heap.stat(Stat.Threads)).toBe(2);
  });

  test.each([3, 77, 2 ** 30, 2 ** 30 + 2, 2 ** 31, 2 ** 32 - 1])("does nothing for %i, which is nobody", (id) => {
    const { heap } = twoThreads(build);
    expect(heap.threadReclaim(id)).toBe(0);
    expect(heap.stat(Stat.Threads)).toBe(2);
  });

  test("does nothing for an id whose thread is gone, though another has its place", () => {
    const { heap, other, control } = twoThreads(build);
    const stale = other.threadId;
    heap.threadReclaim(stale);
    const next = heap.join(control);
    expect(next.threadId).not.toBe(stale);
    expect(heap.threadReclaim(stale)).toBe(0);
    expect(heap.stat(Stat.Threads)).toBe(2);
  });
});

describe.each(SHARED)("$name, after a thread's exit", (build) => {
  test("trim gives back what it left", () => {
    const { heap, other } = twoThreads(build);
    const blocks = Array.from({ length: 1000 }, () => other.malloc(KIB));
    other.threadExit();
    for (const block of blocks) heap.free(block);
    heap.trim();
    expect(heap.stat(Stat.FreePages)).toBe(heap.stat(Stat.Committed) - heap.stat(Stat.Metadata));
  });

  test("the same instance can begin again, under another id", () => {
    const { heap, other, control } = twoThreads(build);
    const first = other.threadId;
    other.threadExit();
    expect(other.threadId).toBe(0);
    expect(heap.stat(Stat.Threads)).toBe(1);
    expect(other.threadInit(control)).toBe(control);
    expect(other.threadId).not.toBe(first);
    expect(other.malloc(16)).not.toBe(0);
  });

  test("a second exit does nothing", () => {
    const { heap, other } = twoThreads(build);
    other.threadExit();
    other.threadExit();
    expect(heap.stat(Stat.Threads)).toBe(1);
  });
});

describe.each(SHARED.filter(({ guard }) => !guard))("$name, after a thread's exit", (build) => {
  test("its blocks stay, and the memory that another frees of them serves large blocks where there is no other", () => {
    const heap = RawHeap.create(build, (40 * MIB) / WASM_PAGE);
    const other = heap.join(heap.threadInit(0));
    const blocks = Array.from({ length: (32 * MIB) / KIB }, () => other.malloc(KIB));
    other.threadExit();
    expect(heap.stat(Stat.Live)).toBe(32 * MIB);
    for (const block of blocks) heap.free(block);
    expect(heap.stat(Stat.Live)).toBe(0);
    const large = Array.from({ length: (24 * MIB) / (100 * KIB) }, () => heap.malloc(100 * KIB));
    expect(large).not.toContain(0);
  });

  test("a new thread needs no more memory than the one before", () => {
    const { heap, other, control } = twoThreads(build);
    let thread = other;
    const use = (): void => {
      const blocks = Array.from({ length: 5000 }, (_, n) => thread.malloc(n));
      for (const block of blocks) thread.free(block);
      thread.threadExit();
    };
    use();
    const before = heap.stat(Stat.Committed);
    for (let n = 0; n < 20; ++n) {
      thread = heap.join(control);
      use();
    }
    expect(heap.stat(Stat.Committed)).toBe(before);
  });
});

function twoThreads(build: Build): { heap: RawHeap; other: RawHeap; control: number } {
  const heap = RawHeap.create(build);
  const control = heap.threadInit(0);
  return { heap, other: heap.join(control), control };
}

/** Lets a worker work for a moment that is different each time. */
async function liveAWhile(worker: ChurnWorker, random: Random): Promise<void> {
  await sleep(random.next() * LONGEST_LIFE_MS);
  while (worker.operations === 0) await sleep(1);
}

/** Runs some rounds, or as many as fit the soak; resolves to how many there were. */
async function forRounds(round: () => Promise<void>): Promise<number> {
  const end = performance.now() + seconds(0) * 1000;
  let count = 0;
  while (count < ROUNDS || performance.now() < end) {
    await round();
    ++count;
  }
  return count;
}
