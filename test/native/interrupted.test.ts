/**
 * Operations that never end, and those that a signal handler interrupts. Here before some of their instructions;
 * `npm run prove -- interruptions` tries all.
 */

import { describe, expect, it } from "vitest";
import { failuresOf, INTERRUPTION_MODES, type InterruptionMode } from "../../packages/tools/src/proof/interruptions.js";
import { compile, FULL, library, run } from "./support/program.js";

const NAMES: readonly InterruptionMode[] = FULL
  ? INTERRUPTION_MODES.map(({ name }) => name)
  : ["jump", "fork", "exit", "handler", "handler-jump"];

/** Which instructions; the checks of the guard profile are long, so that less of it must do. */
const LOADS = [
  { profile: "default", names: NAMES, args: [FULL ? "1" : "0"] },
  {
    profile: "guard",
    names: FULL ? NAMES : (["jump", "fork", "handler"] as const),
    args: FULL ? ["29"] : ["1999", "0", "9"],
  },
];

describe.skipIf(process.arch !== "x64").each(LOADS)("under profile $profile", ({ profile, names, args }) => {
  it.each(
    INTERRUPTION_MODES.filter(({ name }) => names.includes(name)).map(({ name, promise }) => [name, promise] as const),
  )("%s: %s", { timeout: FULL ? 3_600_000 : 120_000 }, async (name) => {
    const preload = await library(profile);
    const program = await compile("interrupted.c");
    const environment = { HAKMEM_LIMIT: "1g" };
    const { status, output, errors } = await run(program, [name, ...args], { preload, environment });
    expect(await failuresOf(name, errors, preload.shared)).toEqual([]);
    expect({ status, output }).toEqual({ status: 0, output: "done\n" });
  });
});

/** A slip in this let a block be handed out twice: free began an operation without a look at one that had been left. */
it.skipIf(process.arch !== "x64")(
  "a signal handler may allocate in the middle of free after another one has left malloc for good",
  { timeout: 120_000 },
  async () => {
    const program = await compile("interrupted-twice.c");
    const { status, output, errors } = await run(program, [], { preload: await library("default") });
    expect({ status, output, errors }).toEqual({ status: 0, output: "done\n", errors: "" });
  },
);

/** Once all free memory was in the hands of who joined a run of it: whoever left that for good had lost all. */
it.skipIf(process.arch !== "x64").each(["free", "malloc"])(
  "a huge %s that is left for good loses 6 MiB at most, however much is free",
  { timeout: 120_000 },
  async (call) => {
    const preload = await library("default");
    const program = await compile("interrupted-huge.c", [preload.shared]);
    const { status, output, errors } = await run(program, [call, "6"], { preload });
    expect({ status, output, errors }).toEqual({ status: 0, output: "done\n", errors: "" });
  },
);
