/** The fuzzer's corpus, and a bounded search from it; `npm run prove -- fuzz` searches for longer. */

import { mkdirSync } from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { loadProfile, shippedProfileNames } from "../../src/profile/index.js";
import { buildFuzzer, fuzz, unpackCorpus } from "../../src/proof/fuzz.js";
import { FULL, scratch } from "./support/program.js";

const NEW_INPUTS = FULL ? 20_000 : 300;
const LONG = FULL ? 1_800_000 : 240_000;

it.each(await shippedProfileNames())(
  "profile %s keeps its promises in every sequence of calls that is kept, and in new ones",
  { timeout: LONG },
  async (name) => {
    const directory = scratch();
    const corpus = path.join(directory, "corpus");
    mkdirSync(corpus);
    const kept = await unpackCorpus(corpus);
    const fuzzer = await buildFuzzer(await loadProfile(name), directory);
    const { failure, runs, reached, edges } = await fuzz(fuzzer, corpus, { runs: NEW_INPUTS, seed: 1 });
    expect(failure?.report).toBeUndefined();
    expect(runs).toBeGreaterThan(kept);
    expect(reached / edges).toBeGreaterThan(0.7);
  },
);
