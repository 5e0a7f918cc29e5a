import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { buildWasm } from "../../packages/tools/src/build/wasm.js";
import { nodeVersion } from "../../packages/tools/src/lab/node-versions.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { temporary } from "../support/temporary.js";

const run = promisify(execFile);
const EXERCISE = fileURLToPath(new URL("./wasm64/exercise.js", import.meta.url));

/** The first major version of Node with 64-bit memories. */
const NODE = "24";

describe("a 64-bit build", () => {
  it.each(["wasm64", "wasm64-shared"] as const)("%s allocates, and beyond 4 GiB", async (target) => {
    const { execPath } = await nodeVersion(NODE);
    const file = path.join(await temporary(), `default.${target}.wasm`);
    await writeFile(file, await buildWasm({ profile: await loadProfile("default"), target }));
    const { stdout } = await run(execPath, [EXERCISE, file]);
    expect(JSON.parse(stdout)).toEqual({ control: true, damaged: 0, intact: true, beyond4GiB: true });
  });
});
