/** What guard builds say before they end a program. */

import { describe, expect, it } from "vitest";
import { compile, compileShared, library, run } from "./support/program.js";

const FREED = /^hakmem: {3}freed: 0x[0-9a-f]+, 40 bytes, by thread 1$/m;

describe("the guard's report", () => {
  it("has the block's slab, the blocks beside it, and the last operations there", async () => {
    const { errors } = await run(await compile("double-free.c"), [], { preload: await library("guard") });
    expect(errors).toMatch(/^hakmem: double free of 0x[0-9a-f]+: the block of 40 bytes was freed before$/m);
    expect(errors).toMatch(/^hakmem: it lies in a slab of blocks of \d+ bytes, .* thread 1's; this is thread 1$/m);
    expect(errors).toMatch(/^hakmem: {3}the block itself: 0x[0-9a-f]+, 40 bytes, freed, in quarantine$/m);
    expect(errors).toMatch(/^hakmem: {3}the block b\w+ it: /m);
    expect(errors).toMatch(FREED);
    expect(errors.indexOf("allocated: ")).toBeGreaterThan(errors.search(FREED));
    expect(errors).toMatch(/^hakmem: for who allocated and who freed it: hakmem run --profile guard --leaks/m);
  });

  it("is made for a crash inside the library, and for none of the program's own", async () => {
    const program = await compile("crash.c");
    const preload = await library("guard");
    const inside = await run(program, [], { preload });
    expect(inside.status).toBe("SIGSEGV");
    expect(inside.errors).toMatch(
      /^hakmem: crash inside the library \(signal 11\) at address 0x[0-9a-f]+, by code at 0x[0-9a-f]+: /m,
    );
    expect(inside.errors).toMatch(/^hakmem: {3}the block itself: 0x[0-9a-f]+, 100 bytes, in use$/m);
    const plugin = await compileShared("crash.c", ["-DPLUGIN"]);
    for (const own of [["0x100000000000"], ["handler"], ["loader", plugin]])
      expect(await run(program, own, { preload }), own[0]).toEqual({ status: "SIGSEGV", output: "", errors: "" });
  });

  it.each([
    [4, "SIGILL"],
    [7, "SIGBUS"],
    [8, "SIGFPE"],
    [11, "SIGSEGV"],
  ])("leaves signal %i, which was sent, as deadly as it is", async (signal, status) => {
    const preload = await library("guard");
    const sent = await run(await compile("crash.c"), ["raise", String(signal)], { preload });
    expect(sent).toEqual({ status, output: "", errors: "" });
  });
});
