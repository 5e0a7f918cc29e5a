/** Memory stays within its bounds: mappings, what threads cache for each other, what was freed before what is new, and forks. */

import { describe, expect, it } from "vitest";
import { compile, compileShared, FULL, library, run, type RunOptions } from "./support/program.js";

async function numbers(program: string, args: readonly (string | number)[], options: RunOptions = {}) {
  const { status, output, errors } = await run(program, args.map(String), { preload: await library(), ...options });
  expect(status, errors).toBe(0);
  return output.trim().split(" ").map(Number);
}

describe("huge blocks that grow", () => {
  it("need few mappings, however often they are moved", async () => {
    const [mappings] = await numbers(await compile("growing.c"), []);
    expect(mappings).toBeLessThan(100);
  });

  it("keep their contents where mremap empties its target before it refuses", async () => {
    const shim = await compileShared("stubborn-mremap.c");
    await numbers(await compile("growing.c"), [], { shim });
  });

  it("take the place of what was freed before memory grows, in a second span of addresses, too", async () => {
    const program = await compile("spans.c");
    const { shared } = await library();
    const limited = await run("sh", ["-c", `ulimit -v 6000000; LD_PRELOAD=${shared} exec ${program}`]);
    expect(limited).toMatchObject({ status: 0, output: "done\n" });
  });
});

describe("threads that only free", () => {
  it.each([
    [9, 3000, 65_536],
    [60, 3000, 65_536],
    [40, FULL ? 2000 : 500, 300_000],
    [40, FULL ? 2000 : 200, 1_200_000],
  ])("keep next to nothing: %d of them, %d blocks of %d bytes, one at a time", async (threads, blocks, size) => {
    const [committed = NaN, peak = NaN] = await numbers(await compile("consumers.c"), [threads, blocks, size]);
    expect(committed).toBeLessThan(4096);
    expect(peak).toBeLessThan(8192);
  });
});

describe("large blocks that other threads have freed", () => {
  it.each([
    ["delay", "go back to the system after HAKMEM_PURGE_DELAY"],
    ["trim", "go back to the system on malloc_trim"],
    ["reuse", "are used before memory grows"],
  ])("(%s) %s", async (what) => {
    const preload = await library();
    const environment = { HAKMEM_PURGE_DELAY: what === "delay" ? "50" : "60000" };
    const result = await run(await compile("cached.c"), [what], { preload, environment });
    expect(result).toMatchObject({ status: 0, output: "done\n" });
  });
});

describe("what threads cache that live on", () => {
  it.each([4, 16, 200])("is bounded by the process (%d threads)", async (threads) => {
    const result = await run(await compile("crowd.c"), [`${threads}`], { preload: await library() });
    expect(result).toMatchObject({ status: 0, output: "done\n" });
  });
});

describe("calloc of recycled memory", () => {
  it.each([1 << 20, 3 << 20, 31 << 20])("writes over it instead of faulting it in again (%d bytes)", async (size) => {
    const [faults] = await numbers(await compile("zeroed.c"), ["faults", size]);
    expect(faults).toBeLessThan(20);
  });

  it("gives it back where that is less work for a program that does not use all of it (64 MiB)", async () => {
    const [faults] = await numbers(await compile("zeroed.c"), ["faults", 64 << 20]);
    expect(faults).toBeGreaterThan(10);
  });

  it("returns zeros, also where only a part of it was written before", async () => {
    const result = await run(await compile("zeroed.c"), ["contents"], { preload: await library() });
    expect(result).toMatchObject({ status: 0, output: "done\n" });
  });
});

describe("at HAKMEM_LIMIT", () => {
  /** It was once: others came and went, while one stood still with all free memory in hand. */
  it("nobody is refused while most is free, whoever stands still with it in hand", async () => {
    const program = await compile("standing-still.c");
    const { output, errors } = await run(program, [FULL ? "60" : "6"], {
      preload: await library(),
      environment: { HAKMEM_LIMIT: "128m" },
    });
    expect({ output, errors }).toEqual({ output: "0 refused\n", errors: "" });
  });

  it.each([40_000, 100_000, 200_000, 700_000, 1_500_000])(
    "a thread is not refused what others have freed (blocks of %d bytes)",
    async (size) => {
      const environment = { HAKMEM_LIMIT: "64m" };
      const program = await compile("refusals.c");
      const [refused] = await numbers(program, [size, FULL ? 50_000 : 3000], { environment });
      expect(refused).toBe(0);
    },
  );
});

describe("the child of a fork", () => {
  it.skipIf(process.arch !== "x64")("is not slower for the threads that once were", async () => {
    const program = await compile("forks.c");
    const [few = NaN] = await numbers(program, ["cost", 10]);
    const [many = NaN] = await numbers(program, ["cost", 2000]);
    expect(few).toBeGreaterThan(0);
    expect(many - few).toBeLessThan(100);
  });

  it("has all memory, after generations of forks among threads that begin and end", async () => {
    const [held, metadata] = await numbers(await compile("forks.c"), ["chain", FULL ? 1000 : 60]);
    expect(held).toBeLessThan(4096);
    expect(metadata).toBeLessThan(1024);
  });
});

describe("the library's tables", () => {
  it("are never made of huge pages", async () => {
    const program = await compile("tables.c");
    const { status, output, errors } = await run(program, [], { preload: await library() });
    expect(status, errors).toBe(0);
    const tables = [...output.matchAll(/^Size: +(\d+) kB$[^]*?^VmFlags: (.*)$/gm)]
      .map(([, size, flags = ""]) => ({ size: Number(size), flags }))
      .filter(({ size, flags }) => size > 1_000_000 && flags.includes("wr"));
    expect(tables).toHaveLength(1);
    expect(tables[0]?.flags.split(" ")).toContain("nh");
  });
});
