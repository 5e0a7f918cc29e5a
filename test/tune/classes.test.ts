/** The dynamic program against what it is an abbreviation of: trying all. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLASS_GRID, parseProfile } from "../../packages/tools/src/profile/schema.js";
import {
  costOf,
  fitClasses,
  fitEach,
  slabShare,
  type Demand,
  type FitOptions,
} from "../../packages/tools/src/tune/classes.js";
import { TEST_SEED } from "../support/random.js";

const grid = fc
  .uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 9 })
  .map((steps) => steps.map((step) => 16 * step).sort((a, b) => a - b));

const weight = fc.record({ size: fc.integer({ min: 1, max: 1100 }), blocks: fc.integer({ min: 0, max: 500 }) });
const demand: fc.Arbitrary<Demand> = fc.record({
  weights: fc.array(weight, { maxLength: 12 }),
  scale: fc.integer({ min: 1, max: 4 }),
});

/** All choices of sizes that have the last, of so many sizes. */
function choices(sizes: readonly number[], count: number): number[][] {
  const last = sizes.at(-1) ?? 0;
  const others = sizes.slice(0, -1);
  return Array.from({ length: 2 ** others.length }, (_, bits) => [
    ...others.filter((_, index) => (bits >> index) & 1),
    last,
  ]).filter(({ length }) => length === count);
}

const optionsFor = (sizes: readonly number[], penalty: number): FitOptions => ({
  grid: sizes,
  least: 1,
  most: sizes.length,
  penalty,
  blockBytes: slabShare(16384),
});

describe("the best classes of a number", () => {
  it("cost what the best of all choices costs", () => {
    fc.assert(
      fc.property(
        grid,
        fc.array(demand, { maxLength: 3 }),
        fc.integer({ min: 0, max: 20_000 }),
        (sizes, demands, penalty) => {
          const options = optionsFor(sizes, penalty);
          const fits = fitEach(demands, options);
          expect(fits.map(({ classes }) => classes.length)).toEqual(sizes.map((_, index) => index + 1));
          for (const { classes, cost } of fits) {
            const best = Math.min(...choices(sizes, classes.length).map((each) => costOf(each, demands, options)));
            expect(cost).toBeCloseTo(best, 4);
            expect(costOf(classes, demands, options)).toBeCloseTo(cost, 4);
            expect(classes).toEqual([...classes].sort((a, b) => a - b));
            expect(classes.at(-1)).toBe(sizes.at(-1));
          }
        },
      ),
      { seed: TEST_SEED, numRuns: 150 },
    );
  });

  it("waste no more when there may be more of them, if a class costs nothing", () => {
    fc.assert(
      fc.property(fc.array(demand, { minLength: 1, maxLength: 3 }), (demands) => {
        const options = { ...optionsFor(CLASS_GRID, 0), blockBytes: (size: number) => size };
        const costs = fitEach(demands, options).map(({ cost }) => cost);
        for (const [index, cost] of costs.entries())
          expect(cost).toBeLessThanOrEqual((costs[index - 1] ?? cost) + 1e-6);
      }),
      { seed: TEST_SEED, numRuns: 30 },
    );
  });

  it("are fewer when each costs more", () => {
    const weights = CLASS_GRID.map((size) => ({ size, blocks: 10 }));
    const counts = [0, 1000, 10_000, 1e9].map(
      (penalty) => fitClasses([{ weights, scale: 1 }], { ...optionsFor(CLASS_GRID, penalty), least: 8 }).classes.length,
    );
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    expect(counts.at(-1)).toBe(8);
  });

  it("are those of a profile", () => {
    fc.assert(
      fc.property(demand, fc.integer({ min: 8, max: 48 }), (one, most) => {
        const { classes } = fitClasses([one], { ...optionsFor(CLASS_GRID, 8192), least: 8, most });
        const profile = {
          name: "it",
          description: "it",
          pageShift: 14,
          addressBits: "all",
          guard: false,
          hardened: false,
          unsafe: false,
          classes,
          cache: { minBlocks: 16, maxBlocks: 2048, maxBytes: 262144 },
          grow: { firstPages: 4, maxBytes: 67108864 },
          retain: { superslabs: 256, bytes: 536870912, milliseconds: 1000 },
        };
        expect(parseProfile(profile, "it").classes).toEqual(classes);
      }),
      { seed: TEST_SEED, numRuns: 50 },
    );
  });

  it("leave out sizes that nobody asks for", () => {
    const demands = [{ weights: [{ size: 100, blocks: 50 }], scale: 1 }];
    const { classes } = fitClasses(demands, { ...optionsFor([16, 96, 112, 128, 4096], 100), least: 2 });
    expect(classes).toContain(112);
    expect(classes).toHaveLength(2);
  });
});
