/** What the sanitizers and the fuzzer have found that takes a program of its own to be shown. */

import { expect, it } from "vitest";
import { compile, library, run } from "./support/program.js";

it("a block that does not fit behind what is free at the end of a reservation is found in a new one, not refused", async () => {
  const program = await compile("spans.c", ["-fno-builtin"]);
  const { shared } = await library();
  // Reservations are an eighth of what is allowed: several of the blocks need one of their own.
  const { status, output } = await run("sh", ["-c", `ulimit -v 8000000; LD_PRELOAD=${shared} exec ${program}`]);
  expect({ status, output }).toEqual({ status: 0, output: "950\n" });
});

it("a program may end while its threads allocate, and guard reports nothing", async () => {
  const program = await compile("leaves.c", ["-fno-builtin"]);
  const preload = await library("guard");
  // What is half made at the end is chance: about one run in four met it.
  for (let n = 0; n < 20; n++) expect(await run(program, [], { preload })).toMatchObject({ status: 0, errors: "" });
});
