import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { withScratch } from "../../packages/tools/src/base/scratch.js";

const MODULE = fileURLToPath(new URL("../../packages/tools/dist/base/scratch.js", import.meta.url));

test("a scratch directory is gone when the work is done, whatever becomes of it", async () => {
  const seen: string[] = [];
  const work = async (directory: string): Promise<number> => {
    seen.push(directory);
    await writeFile(path.join(directory, "file"), "text");
    return 5;
  };
  expect(await withScratch("test", work)).toBe(5);
  await expect(
    withScratch("test", async (directory) => {
      await work(directory);
      throw new Error("failed");
    }),
  ).rejects.toThrow("failed");
  expect(seen.map((directory) => existsSync(directory))).toEqual([false, false]);
});

test.each(["SIGINT", "SIGTERM"] as const)("and when %s ends the process", async (signal) => {
  const program = `import { withScratch } from ${JSON.stringify(MODULE)};
    await withScratch("test", async (directory) => { console.log(directory); await new Promise((resolve) => setTimeout(resolve, 60_000)); });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const directory = line.toString().trim();
  expect(existsSync(directory)).toBe(true);
  child.kill(signal);
  expect(await once(child, "close")).toEqual([130, null]);
  expect(existsSync(directory)).toBe(false);
});
