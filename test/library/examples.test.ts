import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const EXAMPLES = new URL("../../examples/", import.meta.url);

/** Runs an example as its first lines say, and returns what it prints. */
async function run(name: string, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL(name, EXAMPLES));
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], { timeout: 60_000 });
  return stdout;
}

test("word-count counts the same words with one worker as with three", async () => {
  const texts = ["shared-map.js", "word-count.js", "pipeline.js"].map((name) => fileURLToPath(new URL(name, EXAMPLES)));
  const [one, three] = await Promise.all(["1", "3"].map((n) => run("word-count.js", "--workers", n, ...texts)));
  const counts = (output: string | undefined) => output?.replace(/ by \d+ workers/, "");
  expect(counts(three)).toBe(counts(one));
  expect(one).toMatch(/^\d{3,} words, \d{2,} different ones/);
  expect(one).toContain("0 bytes still allocated");
});

test("pipeline delivers every message undamaged", async () => {
  const output = await run("pipeline.js", "--pairs", "2", "--messages", "20000");
  expect(output).toContain("40000 messages");
  const [, sent, received] = /checksum sent (\d+), received (\d+)/.exec(output) ?? [];
  expect(sent).toBe(received);
  expect(output).toContain("0 bytes still allocated");
});

test("typed-array-pool ends with nothing allocated", async () => {
  const output = await run("typed-array-pool.js", "--frames", "2000");
  expect(output).toMatch(/2000 frames, energy \d/);
  expect(output).toMatch(/ 0 still allocated/);
});

test("own-module shares a list between WebAssembly and JavaScript", async () => {
  const output = await run("own-module/main.js", "--values", "2000");
  expect(output).toContain("2000 values, sum 2668667000\n1000 above a million, 0 above a milliard\n");
  expect(output).toContain("first 4000000\n0 bytes still allocated");
});

test("the tutorial's program prints what the tutorial says, and is what it shows", async () => {
  const page = await readFile(new URL("../docs/tutorial.md", EXAMPLES), "utf8");
  for (const name of ["map.js", "worker.js", "main.js"]) {
    expect(page).toContain(`\`\`\`js\n${await readFile(new URL(`tutorial/${name}`, EXAMPLES), "utf8")}\`\`\``);
  }
  expect(page).toContain(`$ node main.js\n${await run("tutorial/main.js")}\`\`\``);
});
