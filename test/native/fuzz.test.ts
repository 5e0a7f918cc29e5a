/** The fuzzer's corpus, and a bounded search from it; `npm run prove -- fuzz` searches for longer. */

import { mkdirSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { loadProfile, shippedProfileNames } from "../../src/profile/index.js";
import { buildFuzzer, fuzz, unpackCorpus } from "../../src/proof/fuzz.js";
import { FULL, scratch } from "./support/program.js";

const NEW_INPUTS = FULL ? 20_000 : 500;
const LONG = FULL ? 1_800_000 : 240_000;

/** What fuzz.c puts behind a call that was right, and what it then says of it. */
const FAULTS: Readonly<Record<string, RegExp>> = {
  twice: /lies on/,
  unaligned: /for alignment/,
  short: /bytes of/,
  dirty: /of mark 0000000000000000/,
  scribble: /of mark|was written to/,
  moved: /of mark/,
  refused: /are refused for no reason/,
  lost: /bytes are live, but/,
  errno: /set errno to/,
};

async function fuzzerOf(profile: string): Promise<{ fuzzer: string; corpus: string; kept: number }> {
  const directory = scratch();
  const corpus = path.join(directory, "corpus");
  mkdirSync(corpus);
  return {
    fuzzer: await buildFuzzer(await loadProfile(profile), directory),
    corpus,
    kept: await unpackCorpus(corpus),
  };
}

it.each(await shippedProfileNames())(
  "profile %s keeps its promises in every sequence of calls that is kept, and in new ones",
  { timeout: LONG },
  async (name) => {
    const { fuzzer, corpus, kept } = await fuzzerOf(name);
    const { failure, runs, reached, edges } = await fuzz(fuzzer, corpus, { runs: NEW_INPUTS, seed: 1 });
    expect(failure?.report).toBeUndefined();
    expect(runs).toBeGreaterThan(kept);
    expect(reached / edges).toBeGreaterThan(0.55);
  },
);

it("an allocator that breaks a promise is found out, whichever it is", { timeout: LONG }, async () => {
  const { fuzzer, corpus } = await fuzzerOf("default");
  const extent = { runs: 0, seed: 1 };
  expect(await fuzz(fuzzer, corpus, extent)).toMatchObject({ failure: undefined });
  for (const [fault, report] of Object.entries(FAULTS)) {
    const { failure } = await fuzz(fuzzer, corpus, extent, { FUZZ_FAULT: fault });
    expect(failure?.report, fault).toMatch(report);
  }
});
