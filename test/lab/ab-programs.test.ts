/** `hakmem ab --programs`: how native builds are judged by whole programs, and wrong requests. */

import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { formatProgramExperiment, type ProgramExperiment } from "../../packages/tools/src/lab/ab/programs.js";
import { combine, judgeProgram } from "../../packages/tools/src/lab/ab/verdict.js";
import type { Series } from "../../packages/tools/src/lab/programs/suite.js";
import { noisy } from "./support/samples.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const ab = (...args: string[]) => execa(process.execPath, [CLI, "ab", ...args], { reject: false });

const ROUNDS = 10;
const MIB = 2 ** 20;

interface Taken {
  readonly slowdown?: number;
  readonly bytes?: number;
  readonly instructions?: number;
  readonly seed?: number;
}

function series({ slowdown = 1, bytes = 10 * MIB, instructions, seed = 1 }: Taken = {}): Series {
  const ms = noisy(300 * slowdown, 0.01, ROUNDS, seed);
  return { allocator: "", ms, bytes, ...(instructions === undefined ? {} : { instructions }) };
}

describe("a program's verdict", () => {
  test("is what instructions say, where they were counted", () => {
    const judged = (instructions: number) =>
      judgeProgram("lua", series({ instructions: 1e9 }), series({ seed: 2, instructions })).verdict;
    expect(judged(1e9)).toBe("neutral");
    expect(judged(1.005e9)).toBe("neutral");
    expect(judged(1.02e9)).toBe("refuse");
    expect(judged(0.98e9)).toBe("adopt");
  });

  test("is what time says, where they were not", () => {
    const judged = (slowdown: number) => judgeProgram("redis", series(), series({ seed: 2, slowdown })).verdict;
    expect(judged(1)).toBe("neutral");
    expect(judged(1.1)).toBe("refuse");
    expect(judged(0.9)).toBe("adopt");
  });

  test("refuses what takes more time or memory, however few instructions", () => {
    const fewer = { seed: 2, instructions: 0.9e9 };
    const base = series({ instructions: 1e9 });
    expect(judgeProgram("lua", base, series({ ...fewer, slowdown: 1.2 }))).toMatchObject({ verdict: "refuse" });
    expect(judgeProgram("lua", base, series({ ...fewer, bytes: 12 * MIB }))).toMatchObject({
      verdict: "refuse",
      memory: 1.2,
      reason: "takes 20.0 % more memory",
    });
  });

  test("of several is refusal if one refuses, and adoption if one adopts and none refuses", () => {
    expect(combine([{ verdict: "adopt" }, { verdict: "neutral" }])).toBe("adopt");
    expect(combine([{ verdict: "adopt" }, { verdict: "refuse" }])).toBe("refuse");
    expect(combine([{ verdict: "neutral" }])).toBe("neutral");
  });
});

describe("hakmem ab --programs", { timeout: 300_000 }, () => {
  test("builds variants natively and judges them by a program", async () => {
    const { exitCode, stdout, stderr } = await ab(
      ...["--programs", "python", "default", "HK_CACHE_MAX=16", "-r", "6", "--quick", "--json"],
    );
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    const experiment = JSON.parse(stdout) as ProgramExperiment;
    expect(experiment).toMatchObject({ version: 1, baseline: "default", rounds: 6, incomplete: false, failures: {} });
    const [variant] = experiment.variants;
    expect(variant).toMatchObject({ variant: "HK_CACHE_MAX=16", commit: null });
    expect(variant!.programs).toMatchObject([{ program: "python", instructions: null, misses: null }]);
    expect(variant!.programs[0]!.time.value).toBeGreaterThan(0.1);
    expect(variant!.programs[0]!.memory).toBeGreaterThan(0.3);
    expect(formatProgramExperiment(experiment)).toMatch(/HK_CACHE_MAX=16: (ADOPT|NEUTRAL|REFUSE)\n.*\n +python +×/);
  });

  test.each([
    [["--programs", "nosuch", "default", "compact"], /no program "nosuch"; valid are/],
    [["--programs", "python", "-w", "c6-heavy", "default", "compact"], /--workload is for workloads; with --programs/],
    [["--instructions", "0.01", "default", "compact"], /--instructions is for --programs/],
    [["--programs", "python", "default"], /missing required argument 'variant'/],
    [["--programs", "python", "default", "HK_NOSUCH=1"], /HK_NOSUCH/],
  ])("%j is refused", async (args, message) => {
    const { exitCode, stderr } = await ab(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
