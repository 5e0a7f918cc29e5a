/** What `hakmem tune` refuses, as a user meets it. */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventsOf, fileOf, type Call } from "./support/recordings.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const TRACES = fileURLToPath(new URL("../../bench/traces/", import.meta.url));

async function hakmem(...args: string[]): Promise<{ status: number | undefined; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [CLI, ...args], { reject: false });
  return { status: exitCode, stdout, stderr };
}

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

const malloc = (size: number): Call => ({ kind: "malloc", size, which: 0, after: 1 });

describe("hakmem tune refuses", () => {
  const recording = (calls: readonly Call[], name: string, directory: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, fileOf(eventsOf(calls)));
    return file;
  };

  it("what is no recording, one without an end, and one without events", async () => {
    const directory = scratch();
    const file = path.join(directory, "it.hkt");
    const output = path.join(directory, "it.json");
    const whole = readFileSync(path.join(TRACES, "json.hkt"));
    for (const [content, code, said] of [
      [Buffer.from("PNG and so on"), 1, /is not a recording: it begins with "PNG "/],
      [whole.subarray(0, whole.length - 100), 1, /its end is missing/],
      [fileOf([]), 2, /has no events/],
    ] as const) {
      writeFileSync(file, content);
      const { status, stdout, stderr } = await hakmem("tune", file, "-o", output);
      expect({ status, stdout }).toEqual({ status: code, stdout: "" });
      expect(stderr).toMatch(said);
    }
    expect((await hakmem("tune", path.join(directory, "none.hkt"))).stderr).toMatch(/there is no file/);
  });

  it("too few blocks or recordings to hold some out", async () => {
    const directory = scratch();
    const one = recording([malloc(10 ** 8)], "one.hkt", directory);
    const output = path.join(directory, "it.json");
    const alone = await hakmem("tune", one, "-o", output);
    expect(alone.status).toBe(2);
    expect(alone.stderr).toMatch(/too few blocks to hold half of them out; record another run, and give both/);
    const alike = path.join(directory, "alike.hkt");
    copyFileSync(one, alike);
    const twice = await hakmem("tune", one, alike, "--hold-out", "1", "-o", output);
    expect(twice.status).toBe(2);
    expect(twice.stderr).toMatch(/--hold-out 1 needs 2 different recordings, and there is one/);
    const other = recording([malloc(64), malloc(64)], "other.hkt", directory);
    const all = await hakmem("tune", one, other, "--hold-out", "2", "-o", output);
    expect(all.stderr).toMatch(/--hold-out 2 of 2 different recordings leaves none to tune for; it must be 1 at most/);
  });

  it("goals, targets and profiles that do not exist", async () => {
    const file = path.join(TRACES, "json.hkt");
    const output = path.join(scratch(), "it.json");
    for (const [args, said] of [
      [["--for", "fun"], /there is no goal "fun"; valid are memory, time, both/],
      [["--target", "arm"], /there is no target "arm"; valid are wasm32, native/],
      [["--profile", "nice"], /profile nice: there is no such profile/],
      [["--rounds", "1"], /must be a whole number from 3/],
      [["-o", "/proc/it.json"], /nothing can be written to \/proc/],
    ] as const) {
      const { status, stderr } = await hakmem("tune", file, "-o", output, ...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(said);
    }
  });
});
