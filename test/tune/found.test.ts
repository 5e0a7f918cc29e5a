/** `hakmem tune` from recordings to a profile. Some thirty modules are built for it. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import type { Tuning } from "../../packages/tools/src/tune/tune.js";
import { eventsOf, fileOf, type Call } from "./support/recordings.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const TRACES = fileURLToPath(new URL("../../bench/traces/", import.meta.url));
/** Some thirty modules are built first, three seconds each, unless they are in the cache. */
const TIMEOUT_MS = 420_000;

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

describe("hakmem tune", () => {
  it(
    "finds a profile that needs less memory on what it has not seen, and that builds",
    async () => {
      const directory = scratch();
      const [output, json] = [path.join(directory, "My App.json"), path.join(directory, "results.json")];
      const traces = ["json", "compiler"].map((name) => path.join(TRACES, `${name}.hkt`));
      const few = ["--search-rounds", "3", "--rounds", "3"];
      const { status, stdout, stderr } = await hakmem(
        "tune",
        ...traces,
        "--for",
        "memory",
        ...few,
        "-o",
        output,
        "--json",
        json,
      );
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringMatching(/^training: \w+\nheld out: \w+$/) as unknown,
      });
      const tuning = JSON.parse(readFileSync(json, "utf8")) as Tuning;
      expect(tuning.pays).toBe(true);
      expect(tuning.training?.each).toHaveLength(1);
      expect(tuning.heldOut?.each).toHaveLength(1);
      expect(tuning.heldOut?.memory).toBeLessThan(1);
      expect(stdout).toMatch(/On what was held out it pays: memory -\d/);
      expect(stdout).toMatch(/blocks in advance (do not )?pay/);
      const profile = await loadProfile(output);
      expect(profile.name).toBe("my-app");
      expect(profile.description).toMatch(/^Tuned for memory by hakmem tune from /);
      const out = path.join(directory, "wasm");
      const built = await hakmem("build", "--profile", output, "--target", "wasm32", "--out", out);
      expect(built.status).toBe(0);
      expect(existsSync(path.join(out, "my-app.wasm32.wasm"))).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    "says that nothing pays where that is so, and writes nothing",
    async () => {
      const directory = scratch();
      const file = path.join(directory, "huge.hkt");
      writeFileSync(file, fileOf(eventsOf(Array.from({ length: 12 }, () => malloc(3_000_000)))));
      const output = path.join(directory, "it.json");
      const few = ["--search-rounds", "3", "--rounds", "3"];
      const { status, stdout, stderr } = await hakmem("tune", file, "--for", "memory", ...few, "-o", output);
      expect({ status, written: existsSync(output) }).toEqual({ status: 0, written: false });
      expect(stderr).toMatch(/one recording only: it says nothing about other runs/);
      expect(stdout).toMatch(/does not pay|nothing that was tried pays in training/);
      expect(stdout).toMatch(/No profile was written\.$/);
    },
    TIMEOUT_MS,
  );
});
