import { describe, expect, it } from "vitest";
import {
  estimateMedian,
  estimateMedianRatio,
  estimateNet,
  estimateRatio,
  relativeWidth,
  roundsNeeded,
} from "../../packages/tools/src/lab/statistics.js";
import { noisy } from "./support/samples.js";

describe("the median's estimate", () => {
  it("is the median, within its interval", () => {
    const { value, low, high } = estimateMedian([5, 1, 4, 2, 3]);
    expect(value).toBe(3);
    expect(low).toBeLessThanOrEqual(3);
    expect(high).toBeGreaterThanOrEqual(3);
  });

  it("has no width when all rounds agree", () => {
    expect(relativeWidth(estimateMedian([7, 7, 7, 7]))).toBe(0);
  });

  it("narrows with the number of rounds", () => {
    const wide = relativeWidth(estimateMedian(noisy(10, 0.1, 9, 1)));
    const narrow = relativeWidth(estimateMedian(noisy(10, 0.1, 400, 1)));
    expect(narrow).toBeLessThan(wide / 2);
  });

  it("is the same for the same rounds", () => {
    const rounds = noisy(10, 0.1, 20, 2);
    expect(estimateMedian(rounds)).toEqual(estimateMedian(rounds));
  });

  it("refuses to be made of nothing", () => {
    expect(() => estimateMedian([])).toThrow(/at least one round/);
  });
});

describe("net figures", () => {
  it("are the peer's median less the null allocator's", () => {
    expect(estimateNet({ peer: [12, 13, 14], nothing: [7, 8, 9] }).value).toBe(5);
  });

  it("cancel what changed for all peers of a round alike", () => {
    const drift = [0, 50, 100, 150, 200];
    const ratio = estimateMedianRatio(
      drift.map((extra) => 10 + extra),
      drift.map((extra) => 10 + extra),
    );
    expect(ratio).toEqual({ value: 1, low: 1, high: 1 });
  });

  it("give a ratio whose interval holds the true one", () => {
    const nothing = noisy(8, 0.01, 40, 3);
    const ratio = estimateRatio({ peer: noisy(10, 0.01, 40, 4), nothing }, { peer: noisy(28, 0.01, 40, 5), nothing });
    expect(ratio?.low).toBeLessThan(0.1);
    expect(ratio?.high).toBeGreaterThan(0.1);
  });

  it("give no ratio to a peer that costs nothing", () => {
    const nothing = [8, 8, 8];
    expect(estimateRatio({ peer: [10, 10, 10], nothing }, { peer: nothing, nothing })).toBeUndefined();
  });
});

describe("the number of rounds needed", () => {
  it("grows with the square of the width", () => {
    expect(roundsNeeded(10, 0.2, 0.1)).toBe(40);
  });
});
