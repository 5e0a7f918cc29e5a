/** What counts as a gain, and how one setting after another is tried; memory is made up here, and time not measured. */

import { beforeAll, describe, expect, it } from "vitest";
import { MeasurementError } from "../../packages/tools/src/base/errors.js";
import { NULL_PEER } from "../../packages/tools/src/lab/peers/null.js";
import { loadProfile, type Profile } from "../../packages/tools/src/profile/index.js";
import { parseProfile } from "../../packages/tools/src/profile/schema.js";
import { dimensionsFor } from "../../packages/tools/src/tune/candidates.js";
import type { Histogram } from "../../packages/tools/src/tune/histogram.js";
import type { Input } from "../../packages/tools/src/tune/inputs.js";
import { scoreOf, verdictOn } from "../../packages/tools/src/tune/judge.js";
import { searchProfile } from "../../packages/tools/src/tune/search.js";
import type { Stage } from "../../packages/tools/src/tune/stage.js";
import { ratioOf, together } from "../../packages/tools/src/tune/timing.js";

const histogram: Histogram = {
  sizes: [
    { size: 100, allocations: 1000, mean: 400, atPeak: 500 },
    { size: 700, allocations: 1000, mean: 300, atPeak: 100 },
    { size: 9000, allocations: 10, mean: 3, atPeak: 10 },
  ],
  peakBytes: 210_000,
  meanBytes: 277_000,
};

let baseline: Profile;
beforeAll(async () => {
  baseline = await loadProfile("default");
});

const time = (low: number, value: number, high: number) => ({ low, value, high });

describe("a profile pays on what was held out", () => {
  it.each([
    ["when memory is less and time the same", { memory: 0.9, time: time(0.98, 1, 1.02) }, true],
    ["when time is certainly less and memory the same", { memory: 1, time: time(0.9, 0.93, 0.97) }, true],
    ["not when time may be what it was", { memory: 1, time: time(0.9, 0.95, 1.01) }, false],
    ["not when it is certainly slower", { memory: 0.8, time: time(1.02, 1.04, 1.05) }, false],
    ["not when it seems much slower", { memory: 0.8, time: time(0.9, 1.1, 1.3) }, false],
    ["not when it is faster for more memory", { memory: 1.1, time: time(0.7, 0.8, 0.9) }, false],
    ["not for a gain that is too small", { memory: 0.99, time: time(0.97, 0.98, 0.99) }, false],
    ["when memory is less and time cannot be told", { memory: 0.9, time: null }, true],
  ])("%s", (_, ratios, pays) => {
    expect(verdictOn(ratios, "both").pays).toBe(pays);
  });

  it("which is said with the doubt that there is", () => {
    expect(verdictOn({ memory: 0.9, time: time(0.8, 1, 1.2) }, "both").reason).toMatch(/too busy to tell time closely/);
    expect(verdictOn({ memory: 0.9, time: time(0.98, 1, 1.02) }, "both").reason).not.toMatch(/busy/);
  });

  it("by what it is tuned for alone, when that is asked for", () => {
    expect(verdictOn({ memory: 0.9, time: time(1.2, 1.3, 1.4) }, "memory").pays).toBe(true);
    expect(verdictOn({ memory: 1.5, time: time(0.7, 0.8, 0.9) }, "time").pays).toBe(true);
    expect(verdictOn({ memory: 0.5, time: time(1.2, 1.3, 1.4) }, "time").reason).toMatch(/slower.*memory -50\.0 %/);
  });
});

describe("the time of several recordings", () => {
  it("is that of each over the baseline's, and they count alike", () => {
    const nothing = [1, 1, 1, 1];
    const triples = [
      { nothing, before: [11, 11, 11, 11], after: [6, 6, 6, 6] },
      { nothing, before: [101, 101, 101, 101], after: [101, 101, 101, 101] },
    ];
    expect(triples.map((triple) => ratioOf(triple)?.value)).toEqual([0.5, 1]);
    expect(ratioOf(together(triples))?.value).toBeCloseTo(0.75);
  });

  it("is not told where calls cost nothing beside the driver", () => {
    const same = [5, 5, 5];
    expect(ratioOf({ nothing: same, before: same, after: same })).toBeNull();
    expect(ratioOf(together([{ nothing: same, before: same, after: same }]))).toBeNull();
  });
});

describe("candidates", () => {
  it.each(["wasm32", "native"] as const)("are profiles that fit %s, each once", (target) => {
    for (const { from } of dimensionsFor([histogram], target)) {
      const candidates = from(baseline);
      for (const { profile } of candidates) expect(parseProfile(profile, "it")).toEqual(profile);
      const texts = candidates.map(({ profile }) => JSON.stringify(profile));
      expect(new Set([...texts, JSON.stringify(baseline)]).size).toBe(texts.length + 1);
    }
  });

  it("have no classes of their own where nothing small is asked for", () => {
    const huge = {
      sizes: [{ size: 10 ** 7, allocations: 1, mean: 1, atPeak: 1 }],
      peakBytes: 10 ** 7,
      meanBytes: 10 ** 7,
    };
    const [classes] = dimensionsFor([huge], "wasm32");
    expect(classes?.from(baseline).every(({ profile }) => profile.classes === "standard")).toBe(true);
  });

  it("retain something else natively only: a memory of WebAssembly gives nothing back", () => {
    const names = (target: "wasm32" | "native") => dimensionsFor([histogram], target).map(({ name }) => name);
    expect(names("native")).toContain("retain");
    expect(names("wasm32")).not.toContain("retain");
  });
});

describe("the search", () => {
  const input = { name: "it", file: "it", histogram } as unknown as Input;
  const search = async (memoryOf: (profile: Profile) => number) => {
    const stage: Stage = {
      target: "wasm32",
      nothing: NULL_PEER,
      mostEvents: 1,
      peerOf: () => NULL_PEER,
      memoryOf: (profile) => new Promise((resolve) => resolve(memoryOf(profile))),
    };
    const dimensions = dimensionsFor([histogram], "wasm32");
    return searchProfile({ stage, training: [input], baseline, dimensions, objective: "memory", rounds: 3 });
  };

  it("takes of each setting what needs least, and goes on from there", async () => {
    const { profile, steps } = await search(
      ({ pageShift, cache }) => 1000 + 10 * Math.abs(pageShift - 13) + cache.maxBytes / 2 ** 14,
    );
    expect(profile.pageShift).toBe(13);
    expect(profile.cache).toEqual({ ...baseline.cache, maxBytes: 16 * 1024 });
    expect(steps.filter(({ taken }) => taken !== null).map(({ dimension }) => dimension)).toEqual([
      "classes and pageShift",
      "cache.maxBytes",
    ]);
  });

  it("stays where it is when nothing is better", async () => {
    const { profile, steps } = await search(() => 1000);
    expect(profile).toBe(baseline);
    expect(steps.every(({ taken, tried }) => taken === null && tried.length > 0)).toBe(true);
  });

  it("leaves out what cannot be measured, and tells", async () => {
    const { profile, steps } = await search(({ pageShift }) => {
      if (pageShift === 12) throw new MeasurementError("trap");
      return 1000 + 100 * pageShift;
    });
    expect(profile.pageShift).toBe(13);
    expect(steps[0]?.failed).toEqual(["pageShift 12, standard classes: trap"]);
  });

  it("prefers no candidate that loses for what it gains", () => {
    expect(scoreOf({ memory: 1.1, time: time(0.5, 0.5, 0.5) }, "both")).toBe(Number.POSITIVE_INFINITY);
    expect(scoreOf({ memory: 0.5, time: time(1.1, 1.2, 1.3) }, "both")).toBe(Number.POSITIVE_INFINITY);
    expect(scoreOf({ memory: 0.9, time: time(0.8, 0.9, 0.95) }, "both")).toBeLessThan(
      scoreOf({ memory: 0.9, time: time(0.8, 0.9, 1.05) }, "both"),
    );
  });
});
