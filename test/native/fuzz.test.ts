/** The fuzzer's corpus, and a bounded search from it; `npm run prove -- fuzz` searches for longer. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadProfile, shippedProfileNames } from "../../packages/tools/src/profile/index.js";
import { buildFuzzer, fuzz, unpackCorpus } from "../../packages/tools/src/proof/fuzz.js";
import { FULL, scratch } from "./support/program.js";

const NEW_INPUTS = FULL ? 20_000 : 100;
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

const work = mkdtempSync(path.join(tmpdir(), "hakmem-fuzz-test-"));
afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

const fuzzers = new Map<string, Promise<string>>();
async function fuzzerOf(profile: string): Promise<string> {
  const known = fuzzers.get(profile) ?? buildFuzzer(await loadProfile(profile), work);
  fuzzers.set(profile, known);
  return known;
}

async function keptCorpus(): Promise<{ corpus: string; kept: number }> {
  const corpus = scratch();
  return { corpus, kept: await unpackCorpus(corpus) };
}

/** The others differ less from these two than they take to be compiled. */
const PROFILES = FULL ? await shippedProfileNames() : ["default", "guard"];

it.each(PROFILES)(
  "profile %s keeps its promises in every sequence of calls that is kept, and in new ones",
  { timeout: LONG },
  async (name) => {
    const { corpus, kept } = await keptCorpus();
    const { failure, runs, reached, edges } = await fuzz(await fuzzerOf(name), corpus, { runs: NEW_INPUTS, seed: 1 });
    expect(failure?.report).toBeUndefined();
    expect(runs).toBeGreaterThan(kept);
    expect(reached / edges).toBeGreaterThan(0.55);
  },
);

it.each(Object.entries(FAULTS))(
  "an allocator with the fault '%s' is found out",
  { timeout: LONG },
  async (fault, report) => {
    const { corpus } = await keptCorpus();
    const { failure } = await fuzz(await fuzzerOf("default"), corpus, { runs: 0, seed: 1 }, { FUZZ_FAULT: fault });
    expect(failure?.report).toMatch(report);
  },
);
