import { describe, expect, it } from "vitest";
import { judge, type Comparison } from "../../packages/tools/src/lab/ab/verdict.js";
import { noisy } from "./support/samples.js";

const ROUNDS = 10;
/** What rounds on a quiet machine differ by. */
const NOISE = 0.01;

interface Case {
  readonly slowdown?: number;
  readonly memory?: number;
  readonly noise?: number;
  readonly seed?: number;
}

function comparison(workload: string, { slowdown = 1, memory = 1, noise = NOISE, seed = 1 }: Case = {}): Comparison {
  return {
    workload,
    baseline: noisy(12, noise, ROUNDS, 3 * seed),
    variant: noisy(12 * slowdown, noise, ROUNDS, 3 * seed + 1),
    nothing: noisy(8, noise, ROUNDS, 3 * seed + 2),
    baselinePeakBytes: 1_000_000,
    variantPeakBytes: 1_000_000 * memory,
  };
}

describe("the verdict", () => {
  it("is neutral in at least 19 of 20 comparisons of a variant with itself", () => {
    const seeds = Array.from({ length: 400 }, (_, index) => index + 1);
    const neutral = seeds.filter(
      (seed) =>
        judge([comparison("mixed", { seed }), comparison("heavy", { seed: seed + 1000 })]).verdict === "neutral",
    );
    expect(neutral.length / seeds.length).toBeGreaterThanOrEqual(19 / 20);
  });

  it("is neutral when nothing differs at all", () => {
    const same = noisy(12, NOISE, ROUNDS, 1);
    expect(judge([{ ...comparison("mixed"), baseline: same, variant: same }]).verdict).toBe("neutral");
  });

  it("adopts a variant that is faster on one workload and no slower on the others", () => {
    expect(judge([comparison("mixed", { slowdown: 0.95 }), comparison("heavy")]).verdict).toBe("adopt");
  });

  it("refuses a variant that is slower on one workload, however much faster on others", () => {
    expect(judge([comparison("mixed", { slowdown: 0.8 }), comparison("heavy", { slowdown: 1.05 })]).verdict).toBe(
      "refuse",
    );
  });

  it("refuses a variant that takes much more memory", () => {
    const result = judge([comparison("mixed", { slowdown: 0.8, memory: 1.2 })]);
    expect(result.verdict).toBe("refuse");
    expect(result.workloads[0]?.reason).toContain("20.0 % more memory");
  });

  it("takes no notice of a change within the threshold, however certain", () => {
    expect(judge([comparison("mixed", { slowdown: 0.995, noise: 0 })]).verdict).toBe("neutral");
    expect(judge([comparison("mixed", { slowdown: 0.98, noise: 0 })]).verdict).toBe("adopt");
  });

  it("follows the thresholds it is given", () => {
    const changed = [comparison("mixed", { slowdown: 0.95, noise: 0 })];
    expect(judge(changed, { time: 0.1, memory: 0.1, instructions: 0.01 }).verdict).toBe("neutral");
  });

  it("is never certain after five rounds", () => {
    const few = comparison("mixed", { slowdown: 0.8, noise: 0 });
    const first = (rounds: readonly number[]): readonly number[] => rounds.slice(0, 5);
    const cut = { ...few, baseline: first(few.baseline), variant: first(few.variant), nothing: first(few.nothing) };
    expect(judge([cut]).verdict).toBe("neutral");
    expect(judge([few]).verdict).toBe("adopt");
  });

  it("is neutral when a wide interval happens to lie on one side", () => {
    const erratic = { ...comparison("mixed"), variant: [4, 11, 5, 11, 4, 11, 5, 11, 4, 10] };
    expect(judge([erratic]).verdict).toBe("neutral");
  });

  it("says so when the rounds are too noisy to tell", () => {
    const [workload] = judge([comparison("mixed", { slowdown: 1.02, noise: 0.5 })]).workloads;
    expect(workload).toMatchObject({ verdict: "neutral" });
    expect(workload?.reason).toContain("too noisy");
  });

  it("states net figures beside the ratio", () => {
    const [workload] = judge([comparison("mixed", { noise: 0 })]).workloads;
    expect(workload?.baselineNet).toBeCloseTo(4);
    expect(workload?.variantNet).toBeCloseTo(4);
  });
});
