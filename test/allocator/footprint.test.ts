import { describe, expect, test } from "vitest";
import { BUILDS, buildsWhere } from "./support/builds.js";
import { Random } from "../support/random.js";
import { RawHeap, RawMemory, Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Most bytes by which a fresh memory may grow until the first block is there. */
const FIRST: Readonly<Record<string, number>> = {
  default: 128 * KIB,
  compact: 128 * KIB,
  hardened: 128 * KIB,
  guard: 2 * MIB + 128 * KIB,
};

/** Most bytes of a module that ships. */
const MODULE: Readonly<Record<string, number>> = {
  "default wasm32": 15.25 * KIB,
  "default wasm32-shared": 16 * KIB,
};

test.each(buildsWhere(({ profile }) => profile in FIRST))("$name takes little memory for the first block", (build) => {
  const memory = new RawMemory(build, 4096, 1);
  const heap = new RawHeap(build, memory);
  heap.threadInit(0);
  expect(heap.malloc(16)).not.toBe(0);
  expect(memory.length - 64 * KIB).toBeLessThanOrEqual(FIRST[build.profile]!);
});

describe.each(BUILDS)("$name", (build) => {
  test("loading a module takes and touches no memory", () => {
    const memory = new RawMemory(build, 16, 1);
    memory.bytes.fill(0x5a);
    new RawHeap(build, memory);
    expect(memory.length).toBe(64 * KIB);
    expect(memory.bytes.every((byte) => byte === 0x5a)).toBe(true);
  });
});

describe.each(buildsWhere(({ guard }) => !guard))("$name", (build) => {
  test("takes at most a quarter more memory than is live in a random mix of sizes, of which 16 MiB and more are live", () => {
    const heap = RawHeap.create(build);
    const random = new Random(42);
    const slots = new Uint32Array(80_000);
    for (let n = 0; n < 600_000; ++n) {
      const slot = random.between(0, slots.length - 1);
      const block = slots[slot]!;
      if (block === 0) {
        slots[slot] = heap.malloc(random.between(16, 1024));
      } else {
        heap.free(block);
        slots[slot] = 0;
      }
    }
    const live = heap.stat(Stat.Live);
    expect(live).toBeGreaterThanOrEqual(16 * MIB);
    expect(heap.stat(Stat.Committed) / live).toBeLessThanOrEqual(1.25);
  });
});

describe.each(buildsWhere(({ name }) => name in MODULE))("the module of $name", (build) => {
  test(`is small`, () => {
    expect(build.code.length).toBeLessThanOrEqual(MODULE[build.name]!);
  });
});
