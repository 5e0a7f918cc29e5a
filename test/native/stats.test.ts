/** The figures of a native heap, as people and collectors get them. */

import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { preloading } from "../../packages/tools/src/run/allocators.js";
import { compile, library, run } from "./support/program.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));

interface Figures {
  readonly version: number;
  readonly profile: string;
  readonly live: number;
  readonly committed: number;
  readonly threads: number;
  readonly peakResident: number;
  readonly classes: readonly { blockSize: number; slabs: number; live: number; cached: number }[];
}

interface Counts {
  readonly growths: number;
  readonly retirements: number;
  readonly retired: readonly { time: number; age: number; blockSize: number; used: number }[];
  readonly classes: readonly {
    blockSize: number;
    slabs: number;
    allocated: number;
    requested: number;
    remote: number;
    slabsRetired: number;
    slabsFull: number;
    slabsPartial: number;
    slabsEmpty: number;
  }[];
}

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** By the name of each, with its labels. */
function metricsOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const found = /^(hakmem_\w+(?:\{size="\d+"\})?) (\d+)$/.exec(line);
      expect(found, line).not.toBeNull();
      return [found?.[1] ?? "", Number(found?.[2])];
    }),
  );
}

describe("hakmem run --stats", () => {
  it("prints all figures as JSON, in the shape of heap.stats()", async () => {
    const { status, output, errors } = await run(process.execPath, [
      CLI,
      "run",
      "--quiet",
      "--stats=json",
      "--",
      "echo",
      "--stats=x",
    ]);
    expect({ status, output }).toEqual({ status: 0, output: "--stats=x\n" });
    const figures = JSON.parse(errors) as Figures;
    expect(figures).toMatchObject({ version: 1, profile: "default", threads: 1 });
    expect(figures.classes.length).toBeGreaterThan(20);
    expect(figures.live).toBeGreaterThan(0);
    expect(figures.live).toBeLessThanOrEqual(figures.committed);
    expect(figures.peakResident).toBeGreaterThan(100_000);
  });

  it("prints them for Prometheus, and refuses another format", async () => {
    const { errors } = await run(process.execPath, [CLI, "run", "--quiet", "--stats=prometheus", "true"]);
    const metrics = metricsOf(errors);
    expect(metrics.get("hakmem_threads")).toBe(1);
    expect(metrics.get('hakmem_class_live_blocks{size="64"}')).toBeGreaterThanOrEqual(0);
    expect(errors.match(/^# TYPE hakmem_class_live_blocks gauge$/gm)).toHaveLength(1);
    const other = await run(process.execPath, [CLI, "run", "--stats=xml", "true"]);
    expect(other).toMatchObject({ status: 2, errors: expect.stringContaining("json, prometheus") as string });
  });
});

describe("a profile with statistics", () => {
  it("adds counts of each class, and the slabs that went back to the pool", async () => {
    const directory = scratch();
    const profile = path.join(directory, "counting.json");
    const base = await loadProfile("default");
    writeFileSync(profile, JSON.stringify({ ...base, name: "counting", statistics: true }));
    const program = await compile("counted.c");
    const args = [CLI, "run", "--quiet", "--profile", profile, "--stats=json", "--", program];
    const { status, errors } = await run(process.execPath, args);
    expect(status).toBe(0);
    const figures = JSON.parse(errors) as Counts;
    const own = figures.classes.find(({ blockSize }) => blockSize === 112);
    // The C library and its threads ask for a few themselves.
    expect(own?.allocated).toBeGreaterThanOrEqual(20_000);
    expect(own?.allocated).toBeLessThan(20_100);
    expect(own?.requested).toBeGreaterThanOrEqual(2_000_000);
    expect(own?.remote).toBeGreaterThanOrEqual(9_000);
    expect(own?.slabsRetired).toBeGreaterThan(0);
    const states = (own?.slabsFull ?? 0) + (own?.slabsPartial ?? 0) + (own?.slabsEmpty ?? 0);
    expect(states).toBe(own?.slabs);
    expect(figures.growths).toBeGreaterThan(0);
    expect(figures.retired).toHaveLength(Math.min(1000, figures.retirements));
    expect(figures.retired.some(({ blockSize }) => blockSize === 112)).toBe(true);
    const text = await run(process.execPath, args.with(5, "--stats=prometheus"));
    expect(metricsOf(text.errors).get('hakmem_class_allocations_total{size="112"}')).toBeGreaterThanOrEqual(20_000);
    expect(text.errors).toMatch(/^# TYPE hakmem_growths_total counter$/m);
  });
});

describe("HAKMEM_STATS_FILE", () => {
  it("is written at the signal and at the end, whole each time, with what the program has", async () => {
    const program = await compile("stats-signal.c");
    const directory = scratch();
    const file = path.join(directory, "it.json");
    const { shared } = await library();
    const environment = { HAKMEM_STATS_FILE: file, HAKMEM_STATS_SIGNAL: "12" };
    const child = execa(program, [], { env: { ...preloading(shared), ...environment }, reject: false, buffer: false });
    await once(child.stdout, "data");
    const before = JSON.parse(readFileSync(file, "utf8")) as Figures;
    const own = before.classes.find(({ live, blockSize }) => blockSize >= 3000 && live >= 1000);
    expect(own?.live).toBeGreaterThanOrEqual(1000);
    expect(before.live).toBeGreaterThanOrEqual(3_000_000);
    child.stdin.end("\n");
    expect(await child).toMatchObject({ exitCode: 0 });
    const after = JSON.parse(readFileSync(file, "utf8")) as Figures;
    expect(after.live).toBeLessThan(before.live - 2_900_000);
    expect(readdirSync(directory)).toEqual(["it.json"]);
  });

  it("is whole whenever it is read, though several threads write it at once", async () => {
    const directory = scratch();
    const file = path.join(directory, "it.json");
    const environment = { HAKMEM_STATS_FILE: file, HAKMEM_STATS_SIGNAL: "12" };
    const { output } = await run(await compile("stats-signal.c"), [file], { preload: await library(), environment });
    expect(output).toBe("0 of 3000 damaged\n");
    expect(readdirSync(directory)).toEqual(["it.json"]);
  });

  it("says what is wrong with a path or a signal", async () => {
    const preload = await library();
    const bad = { HAKMEM_STATS_FILE: "relative.json" };
    expect((await run("true", [], { preload, environment: bad })).errors).toMatch(/not an absolute path that ends in/);
    const file = path.join(scratch(), "it.prom");
    const signal = { HAKMEM_STATS_FILE: file, HAKMEM_STATS_SIGNAL: "9" };
    expect((await run("true", [], { preload, environment: signal })).errors).toMatch(
      /9, which is no signal that can be handled/,
    );
    expect(metricsOf(readFileSync(file, "utf8")).get("hakmem_threads")).toBe(1);
    const nowhere = { HAKMEM_STATS_FILE: "/no/such/it.prom" };
    expect((await run("true", [], { preload, environment: nowhere })).errors).toMatch(/cannot be written \(error 2\)/);
  });
});
