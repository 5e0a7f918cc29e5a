/** Whole programs under allocators of this machine: what is measured, how it is compared, and wrong requests. */

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  formatProgramResults,
  programResultsOf,
  standingOf,
  type ProgramResults,
} from "../../packages/tools/src/lab/programs/standing.js";
import { count, eventsOf, visit, type Run } from "../../packages/tools/src/lab/programs/visit.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const bench = (...args: string[]) => execa(process.execPath, [CLI, "bench", ...args], { reject: false });

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), "hakmem-programs-"));
});
afterAll(async () => rm(cwd, { recursive: true, force: true }));

const runOf = (file: string, ...args: string[]): Run => ({ command: { file, args: [] }, args, input: undefined, cwd });

describe("a visit", () => {
  test("tells how much a process of this machine had resident, and what it printed", async () => {
    const python = (bytes: number): Promise<{ bytes: number | null; output: string }> =>
      visit(runOf("/usr/bin/python3", "-c", `print(len(b"x" * ${bytes}))`), true);
    const [small, large] = [await python(10), await python(2 ** 26)];
    expect(large.output).toBe(String(2 ** 26));
    expect(large.bytes! - small.bytes!).toBeGreaterThan(0.95 * 2 ** 26);
    expect(large.bytes! - small.bytes!).toBeLessThan(1.1 * 2 ** 26);
    // Less than Node itself has, which starts it.
    expect(small.bytes).toBeLessThan(2 ** 25);
  });

  test("refuses a program that fails or is not there", async () => {
    await expect(visit(runOf("/bin/sh", "-c", "echo wrong >&2; exit 3"), true)).rejects.toThrow(/ended with 3:\nwrong/);
    await expect(visit(runOf("/no/such/program"), true)).rejects.toThrow(/ended with 127/);
  });
});

describe("what is counted", { timeout: 120_000 }, () => {
  const lines = (n: number): Run =>
    runOf("/usr/bin/perl", "-e", `my @l = map { "x" x 100 } 1 .. ${n}; print scalar @l`);

  test("is the same each time, and more for more work", async () => {
    const counts = [await count(lines(1000), true), await count(lines(1000), true), await count(lines(50_000), true)];
    const [first, second, more] = counts.map(({ instructions }) => instructions) as [number, number, number];
    expect(Math.abs(second / first - 1)).toBeLessThan(0.001);
    expect(more).toBeGreaterThan(first * 2);
    expect(counts[2]!.misses!.first).toBeGreaterThan(counts[0]!.misses!.first);
    expect(counts[2]!.misses!.last).toBeGreaterThan(1000);
  });

  test("is instructions alone where nobody asks for caches", async () => {
    expect(Object.keys(await count(lines(10), false))).toEqual(["instructions"]);
  });

  test("is of a program that Node runs what its code takes, without Node", async () => {
    const loop = (n: number): Run =>
      runOf(process.execPath, "-e", `let n = 0; for (let i = 0; i < ${n}; i++) n += i % 7; console.log(n)`);
    const [none, many] = [await count(loop(0), false), await count(loop(1e7), false)];
    // Node takes some hundred million to start.
    expect(none.instructions).toBeLessThan(50_000_000);
    expect(many.instructions - none.instructions).toBeGreaterThan(1e7);
    expect(many.instructions - none.instructions).toBeLessThan(40e7);
  });

  test("is summed over all functions or one", () => {
    const written = "desc: x\nevents: Ir D1mr\nfl=a.c\nfn=main\n3 10 1\n4 5 0\nfn=???\n0 7 2\nsummary: 22 3\n";
    expect([...eventsOf(written, undefined)]).toEqual([["Ir", 22], ["D1mr", 3]]); // prettier-ignore
    expect(eventsOf(written, "???").get("Ir")).toBe(7);
    expect(() => eventsOf("nothing", undefined)).toThrow(/names no events/);
  });

  test("is refused of a program that fails", async () => {
    await expect(count(runOf("/bin/false"), false)).rejects.toThrow(/valgrind ended with 1/);
  });
});

describe("where hakmem stands", () => {
  const about = { program: "one", title: "One", target: "native", threads: 1 };
  const series = (allocator: string, ms: number, bytes: number, instructions?: number) => ({
    allocator,
    ms: [ms, ms, ms],
    bytes,
    ...(instructions === undefined ? {} : { instructions, misses: { first: instructions / 10, last: 1 } }),
  });

  test("is told by the best of the others, for each measure by itself", () => {
    const { distances } = standingOf(about, [
      series("hakmem", 110, 30, 1000),
      series("glibc", 100, 40, 1200),
      series("mimalloc", 120, 20, 900),
    ]);
    expect(distances.time).toEqual({ peer: "glibc", value: 1.1 });
    expect(distances.bytes).toEqual({ peer: "mimalloc", value: 1.5 });
    expect(distances.instructions).toEqual({ peer: "mimalloc", value: 1000 / 900 });
    expect(distances.last).toEqual({ peer: "glibc", value: 1 });
  });

  test("has an interval for enough rounds", () => {
    const many = (allocator: string, ms: number) => ({ ...series(allocator, ms, 1), ms: Array<number>(6).fill(ms) });
    const { distances } = standingOf(about, [many("hakmem", 2), many("glibc", 1)]);
    expect(distances.time).toEqual({ peer: "glibc", value: 2, interval: [2, 2] });
  });

  test("is sorted by the distance, of instructions where they are known", () => {
    const far = standingOf({ ...about, program: "far" }, [series("hakmem", 1, 1, 1200), series("glibc", 9, 1, 1000)]);
    const near = standingOf({ ...about, program: "near" }, [series("hakmem", 110, 1), series("glibc", 100, 1)]);
    const best = standingOf({ ...about, program: "best" }, [series("hakmem", 9, 1, 900), series("glibc", 1, 1, 1000)]);
    const results = programResultsOf([best, near, far], {
      failures: { two: "it ended with SIGSEGV" },
      rounds: 3,
      incomplete: false,
    });
    expect(results.programs.map(({ program }) => program)).toEqual(["far", "near", "best"]);
    expect(formatProgramResults(results)).toContain("two: FAILED: it ended with SIGSEGV");
  });
});

describe("hakmem bench --programs", { timeout: 120_000 }, () => {
  test("measures a program under hakmem and a peer", async () => {
    const { stdout, exitCode } = await bench(
      "--programs",
      "python",
      "-q",
      "-r",
      "2",
      "-p",
      "glibc",
      "--json",
      "--quiet",
    );
    const { programs, failures, rounds } = JSON.parse(stdout) as ProgramResults;
    expect({ failures, rounds, exitCode }).toEqual({ failures: {}, rounds: 2, exitCode: 0 });
    expect(programs).toHaveLength(1);
    expect(programs[0]!.series.map(({ allocator, ms }) => [allocator, ms.length])).toEqual([
      ["hakmem", 2],
      ["glibc", 2],
    ]);
    for (const { bytes } of programs[0]!.series) expect(bytes).toBeGreaterThan(2 ** 22);
    expect(programs[0]!.distances.time?.peer).toBe("glibc");
  });

  test("prints what was finished when it is interrupted", async () => {
    const temporary = await mkdtemp(path.join(cwd, "temporary-"));
    const args = ["bench", "--programs", "perl,python", "-r", "1", "-q", "-p", "glibc", "--json"];
    const running = execa(process.execPath, [CLI, ...args], { reject: false, env: { TMPDIR: temporary } });
    // Perl is measured first.
    await vi.waitFor(async () => {
      const { stdout } = await execa("pgrep", ["-f", "script.py"], { reject: false });
      expect(stdout).not.toBe("");
    }, 60_000);
    running.kill("SIGINT");
    const { exitCode, stdout } = await running;
    const { incomplete, programs } = JSON.parse(stdout) as ProgramResults;
    expect({ exitCode, incomplete }).toEqual({ exitCode: 130, incomplete: true });
    expect(programs.map(({ program }) => program)).toEqual(["perl"]);
    expect(await readdir(temporary)).toEqual([]);
  });

  test.each([
    [["--programs", "python", "--widest", "0.1"], /--widest is for workloads/],
    [["--programs", "python", "--json", "/proc/none.json"], /nothing can be written to \/proc/],
    [["--programs", "mix,python", "-t", "wasi"], /python does not run on wasi/],
    [["--programs", "nosuch"], /there is no program "nosuch"; valid are mix, /],
    [["--programs", "python", "-w", "random-mixed"], /--workload is for workloads/],
    [
      ["--programs", "python", "-t", "wasm32"],
      /there is no target for programs "wasm32"; valid are native, emscripten/,
    ],
    [["--programs", "python", "-t", "wasi"], /python does not run on wasi/],
    [["--programs", "python", "-p", "malloc"], /there is no peer "malloc"; valid are hakmem, glibc/],
    [
      ["--programs", "mix", "-t", "wasi", "-p", "glibc"],
      /there is no peer for wasi "glibc"; valid are hakmem, dlmalloc/,
    ],
  ])("refuses %j", async (args, message) => {
    const { exitCode, stderr } = await bench(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(message) as string });
  });
});
