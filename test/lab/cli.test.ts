import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa, execaSync } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
/** Makes a program take its standard error for a terminal, on which it tells how far it is. */
const TERMINAL = "data:text/javascript,process.stderr.isTTY = true;";
/** For what measures at length: enough for a machine that is busy with other things. */
const TIMEOUT_MS = 180_000;
const directory = mkdtempSync(path.join(tmpdir(), "hakmem-cli-"));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function hakmem(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { exitCode = null, stdout, stderr } = execaSync(process.execPath, [CLI, ...args], { reject: false });
  return { status: exitCode, stdout, stderr };
}

/** docs/benchmarks.md promises these fields; others may be added. */
const resultsSchema = z.object({
  version: z.literal(1),
  host: z.object({
    os: z.string(),
    arch: z.string(),
    cpu: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    time: z.iso.datetime(),
  }),
  incomplete: z.boolean(),
  rounds: z.number(),
  confidence: z.number(),
  results: z.array(
    z.object({
      workload: z.string(),
      params: z.record(z.string(), z.union([z.number(), z.string()])),
      target: z.enum(["wasm32", "wasm32-shared", "wasm64", "js", "native"]),
      node: z.string(),
      threads: z.number(),
      peer: z.string(),
      profile: z.string().nullable(),
      opsPerSecond: z.number().nullable(),
      nsPerOp: z.number().nullable(),
      netNsPerOp: z.number().nullable(),
      spread: z.number().nullable(),
      rounds: z.number(),
      peakBytes: z.number().nullable(),
      liveBytes: z.number().nullable(),
      checksum: z.string().nullable(),
      netInterval: z.tuple([z.number(), z.number()]).nullable(),
      ratio: z
        .object({
          baseline: z.string(),
          value: z.number().nullable(),
          interval: z.tuple([z.number(), z.number()]).nullable(),
          roundsNeeded: z.number().nullable(),
        })
        .nullable(),
      disturbed: z.number(),
      operations: z.number(),
      failure: z.string().nullable(),
      timeline: z.array(z.object({ operations: z.number(), committedBytes: z.number(), liveBytes: z.number() })),
    }),
  ),
});

describe("every command", () => {
  it.each([[], ["start"], ["bench"], ["ab"], ["build"]])("%s has help", (...command) => {
    const { status, stdout } = hakmem(...command.filter((word): word is string => typeof word === "string"), "--help");
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: hakmem");
  });
});

describe("a wrong argument ends with exit code 2 and what is valid:", () => {
  it.each([
    [["nosuch"], /there is no command "nosuch"; valid are start, bench/],
    [["bench", "--workload", "nosuch"], /no workload "nosuch"; valid are random-mixed, random-mixed\/256/],
    [["bench", "--peer", "nosuch"], /no peer "nosuch"; valid are null, hakmem, hakmem:compact/],
    [["bench", "--peer", "hakmem:nosuch"], /no peer "hakmem:nosuch"; valid are .*hakmem:guard/],
    [["bench", "--baseline", "nosuch"], /no baseline "nosuch"; valid are/],
    [["bench", "--target", "nosuch"], /no target "nosuch"; valid are wasm32, wasm32-shared/],
    [["bench", "--node", "latest"], /"latest" is not a version of Node; valid are a major version/],
    [["bench", "--threads", "0"], /--threads is "0"; it must be whole numbers from 1 to/],
    [["bench", "--rounds", "1.5"], /'1.5' is invalid. It must be a whole number from 1 to 1000/],
    [["bench", "--workload", "a,,b"], /names with commas/],
    [["bench", "surplus"], /too many arguments/],
    [["ab"], /missing required argument 'baseline'/],
    [["ab", "default"], /missing required argument 'variant'/],
    [["ab", "default", "nosuch"], /nosuch.*shipped profiles are default/s],
    [["ab", "default", "HK_NOSUCH"], /no such profile/],
    [["ab", "default", "default,nonsense"], /"nonsense" is no constant and number/],
    [["ab", "default", "compact", "--record"], /--record needs --title/],
    [["ab", "default", "compact", "--record", "--title", "A", "--quick"], /--quick is for a first look/],
    [["ab", "default", "compact", "--workload", "larson"], /"larson" is not one of a single thread/],
    [["start", "--nosuch"], /unknown option '--nosuch'/],
  ])("%j", (args, message) => {
    const { status, stderr } = hakmem(...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});

describe("hakmem bench", () => {
  const quick = ["bench", "--quick", "--workload", "tiny-hot/64", "--peer", "tlsf", "--baseline", "tlsf"];

  it("prints JSON as documented, and nothing else", () => {
    const { status, stdout } = hakmem(...quick, "--rounds", "3", "--json");
    const { results, rounds, incomplete } = resultsSchema.parse(JSON.parse(stdout));
    expect(status).toBe(0);
    expect({ rounds, incomplete }).toEqual({ rounds: 3, incomplete: false });
    expect(results.map(({ peer }) => peer)).toEqual(["null", "tlsf"]);
    expect(results[1]).toMatchObject({
      workload: "tiny-hot",
      params: { size: 64 },
      target: "wasm32",
      threads: 1,
      rounds: 3,
    });
  });

  it("writes one page that needs no network and no script, for light and dark", () => {
    const file = path.join(directory, "report.html");
    expect(hakmem(...quick, "--rounds", "1", "--report", file).status).toBe(0);
    const page = readFileSync(file, "utf8");
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(4);
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).not.toMatch(/<script|<link|(?:src|href)="http|url\(http|@import/);
  });

  it("writes the rounds it finished when it is interrupted, and ends with exit code 130", async () => {
    const file = path.join(directory, "interrupted.json");
    const args = ["--import", TERMINAL, CLI, ...quick, "--rounds", "1000", "--json", file];
    const child = execa(process.execPath, args, { stdout: "ignore", buffer: false, reject: false });
    let shown = "";
    const finished = new Promise<void>((resolve) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        shown += text;
        // A later round than the first has begun.
        if (/round (?!1 )\d+ of 1000/.test(shown)) resolve();
      });
    });
    await Promise.race([finished, child]);
    child.kill("SIGINT");
    expect((await child).exitCode, shown).toBe(130);
    const { incomplete, results, rounds } = resultsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    expect(incomplete).toBe(true);
    expect(rounds).toBeGreaterThanOrEqual(1);
    expect(rounds).toBeLessThan(1000);
    expect(results.map(({ peer }) => peer)).toEqual(["null", "tlsf"]);
    for (const result of results) {
      expect(result).toMatchObject({ rounds, failure: null });
      expect(result.nsPerOp).toBeGreaterThan(0);
    }
  });

  it("lists workloads and peers", () => {
    const { stdout } = hakmem("bench", "--list");
    for (const name of ["random-mixed/400", "larson", "trace/json", "hakmem:compact", "tlsf", "thi.ng"]) {
      expect(stdout).toContain(name);
    }
  });
});

describe("hakmem ab", () => {
  it("judges, and records the experiment under the next number", { timeout: TIMEOUT_MS }, async () => {
    const { status, stdout } = hakmem(
      "ab",
      "default",
      "default",
      "-w",
      "tiny-hot/64",
      "-r",
      "6",
      "--runs",
      "1",
      "--quick",
      "--json",
    );
    expect(status).toBe(0);
    const experiment: unknown = JSON.parse(stdout);
    expect(experiment).toMatchObject({
      version: 1,
      baseline: "default",
      rounds: 6,
      thresholds: { time: 0.01, memory: 0.1 },
      variants: [
        { variant: "default", commit: null, failure: null, workloads: [{ workload: "tiny-hot/64", memoryRatio: 1 }] },
      ],
    });
    const { recordExperiment } = await import("../../packages/tools/src/lab/ab/record.js");
    type Experiment = Parameters<typeof recordExperiment>[0];
    const options = { title: "The same: twice!", reason: "To see.", directory };
    const first = await recordExperiment(experiment as Experiment, "× 1.000", options);
    const second = await recordExperiment(experiment as Experiment, "× 1.000", { ...options, title: "Again" });
    expect([first, second].map((file) => path.basename(file))).toEqual(["001-the-same-twice.md", "002-again.md"]);
    const page = readFileSync(first, "utf8");
    expect(page).toContain("# 001 The same: twice!");
    expect(page).toContain("To see.");
    expect(page).toMatch(/\* `default`: \*\*(neutral|adopt|refuse)\*\*/);
  });
});
