/** A heap that another agent has grown, in versions of Node, whose V8 learns of it late, and in Bun, whose JavaScriptCore does not. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { BUN, npmProgram } from "../../packages/tools/src/lab/npm-program.js";
import { nodeVersion } from "../../packages/tools/src/lab/node-versions.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { describe as describeOutcome } from "../../packages/tools/src/proof/engines.js";
import { FLAG_SETS, playInNode } from "../../packages/tools/src/proof/stale-size/engines.js";
import { programFiles } from "../../packages/tools/src/proof/stale-size/modules.js";

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL("support/growth-main.js", import.meta.url));
const TIMEOUT_MS = 240_000;

async function findings(program: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const { stdout } = await run(program, [SCRIPT]);
  return JSON.parse(stdout) as Record<string, string[]>;
}

test.each(["20", "24", "26"])(
  "in Node %s the views of a heap cover at once what a worker has added",
  async (version) => {
    const found = await findings((await nodeVersion(version)).execPath);
    expect(Object.keys(found)).toContain("32 bits, fixed-length buffer");
    expect(Object.values(found).flat()).toEqual([]);
  },
  TIMEOUT_MS,
);

describe("in Bun", () => {
  test("the views of a heap cover at once what a worker has added", { timeout: TIMEOUT_MS }, async () => {
    const found = await findings(await npmProgram(BUN));
    expect(Object.keys(found)).toEqual(["32 bits, fixed-length buffer", "32 bits, growable buffer"]);
    expect(Object.values(found).flat()).toEqual([]);
  });

  test("a thread that stays inside WebAssembly can use every block that it gets", { timeout: TIMEOUT_MS }, async () => {
    const bun = { version: BUN.version, execPath: await npmProgram(BUN) };
    const files = await programFiles(await loadProfile("default"), "wasm32-shared", "linked");
    const outcomes = await playInNode(bun, { ...FLAG_SETS.none, flags: [] }, files);
    expect(outcomes?.length).toBeGreaterThan(50);
    expect(outcomes?.flatMap(describeOutcome)).toEqual([]);
  });
});
