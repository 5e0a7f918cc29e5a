/** Heap profiles in Chrome's developer tools: loaded by their Memory panel as somebody does who has the file. */

import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, startChromium } from "../../packages/tools/src/proof/browsers/chromium.js";
import { runTool } from "../../packages/tools/src/base/compilers.js";
import { temporary } from "../support/temporary.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../native/programs/observed.cpp", import.meta.url));
const LIBRARY = new URL("../../packages/hakmem/dist/index.js", import.meta.url).href;
/** Chromium's own, with nothing to inspect. */
const DEVTOOLS = "devtools://devtools/bundled/devtools_app.html";
const APPLICATION = `
import { createHeap } from "${LIBRARY}";
const heap = await createHeap();
const profiling = await heap.startProfile({ bytes: 1 });
function keepMessage() { heap.malloc(4000); }
for (let n = 0; n < 100; n++) keepMessage();
console.log(JSON.stringify(profiling.read()));
`;

const required = process.env["CI"] !== undefined;
const chromium = findChromium();
if (chromium === undefined && !required)
  console.warn("SKIPPED: profiles in Chrome's tools, because no Chromium is installed.");

const hakmem = (...args: string[]) => execa(process.execPath, [CLI, ...args]);

describe.skipIf(chromium === undefined && !required)("Chrome's developer tools", { timeout: 60_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    if (chromium === undefined) throw new Error("CI is set, so Chromium must be installed: apt-get install chromium");
    browser = await startChromium(chromium);
  });
  afterAll(async () => {
    await browser.close();
  });

  /** The rows of the profile's table: own bytes, all bytes, and function with its place. */
  async function load(file: string): Promise<string[]> {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await page.goto(DEVTOOLS);
    await page.getByRole("tab", { name: "Memory", exact: true }).click();
    await page.locator("input[type=file]").last().setInputFiles(file);
    const name = path.basename(file, path.extname(file));
    await page.getByRole("treeitem", { name: new RegExp(`^${name}`) }).click();
    const rows = page.locator("tr.data-grid-data-grid-node");
    await rows.first().waitFor();
    const texts = await rows.allInnerTexts();
    await page.close();
    return texts.map((row) => row.replaceAll(/\s+/g, " "));
  }

  it("open the profile of a native program", async () => {
    const directory = await temporary();
    const [program, file] = [path.join(directory, "observed"), path.join(directory, "native.heapprofile")];
    await runTool("g++", ["-g", "-O1", "-pthread", SOURCE, "-o", program]);
    await hakmem("run", "--heap-profile", file, "--sample-bytes", "1", "--", program, "leak", "grow");
    const rows = await load(file);
    expect(rows).toContainEqual(expect.stringMatching(/^1\.0 MB.*% grow\(\) .*served\.cpp:\d+$/));
    expect(rows).toContainEqual(expect.stringMatching(/^300 kB.*% forget_it\(unsigned long\) .*served\.cpp:\d+$/));
  });

  it("open the profile of a heap in JavaScript", async () => {
    const directory = await temporary();
    const [script, json, file] = ["keep.mjs", "keep.json", "keep.heapprofile"].map((name) =>
      path.join(directory, name),
    ) as [string, string, string];
    writeFileSync(script, APPLICATION);
    writeFileSync(json, (await execa(process.execPath, [script])).stdout);
    await hakmem("profile", json, "-o", file);
    const rows = await load(file);
    expect(rows[0]).toMatch(/^400 kB100\.00 % 400 kB100\.00 % keepMessage .*keep\.mjs:5$/);
  });
});
