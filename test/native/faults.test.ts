/** A system that refuses: the n-th mmap, mprotect or madvise, for every n. */

import { describe, expect, it } from "vitest";
import { compile, compileShared, FULL, library, run } from "./support/program.js";

const CALLS = ["mmap", "mprotect", "madvise"];

describe.each(FULL ? ["default", "guard"] : ["default"])("under profile %s", (profile) => {
  it.each(CALLS)(
    "every malloc returns a block or says that there is no memory, whichever %s is refused",
    { timeout: FULL ? 3_600_000 : 120_000 },
    async (call) => {
      const preload = await library(profile);
      const shim = await compileShared("refusing.c");
      const args = [String(CALLS.indexOf(call)), FULL ? "1" : "0"];
      const result = await run(await compile("refused.c"), args, { preload, shim });
      expect(result, result.errors).toMatchObject({ status: 0, output: "done\n" });
    },
  );
});

describe.each(["default", "guard"])("at the start, under profile %s,", (profile) => {
  it.each(CALLS)("a program runs or finds that there is no memory, whichever %s is refused", async (call) => {
    const preload = await library(profile);
    const shim = await compileShared("refusing.c");
    const program = await compile("plain.c");
    for (const count of [1, 1_000_000]) {
      for (const n of [1, 2, 3, 4]) {
        const environment = { REFUSE: `${CALLS.indexOf(call)},${n},${count}`, HAKMEM_STATS: "1" };
        const { status, errors } = await run(program, [], { preload, shim, environment });
        expect([0, 3], `${call} ${n}, ${count} times: ${errors}`).toContain(status);
        expect(errors).toContain(`profile ${profile}: committed`);
      }
    }
  });

  it("a program without room for the tables is told so, and what to do", async () => {
    const preload = await library(profile);
    const shim = await compileShared("refusing.c");
    const environment = { REFUSE: "0,1,1000000" };
    const { status, errors } = await run(await compile("plain.c"), [], { preload, shim, environment });
    expect(status).toBe(3);
    expect(errors).toMatch(/^hakmem: the system refused \d+ MiB of address space .*ulimit -v/);
  });
});
