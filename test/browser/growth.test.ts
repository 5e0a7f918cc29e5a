/**
 * Memory that another agent has grown, in browsers: a thread that stays inside WebAssembly can use every block that it gets, and a
 * heap's views cover what a worker has added before the page has had time to hear of it.
 */

import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { describe as describeOutcome } from "../../packages/tools/src/proof/engines.js";
import { FLAG_SETS, type FlagSetName } from "../../packages/tools/src/proof/stale-size/engines.js";
import { programFiles } from "../../packages/tools/src/proof/stale-size/modules.js";
import type { Outcome } from "../../packages/tools/src/proof/stale-size/play.js";
import { findChromium, startChromium } from "../../packages/tools/src/proof/browsers/chromium.js";
import { askFirefox, findFirefox } from "../../packages/tools/src/proof/browsers/firefox.js";
import { startServer, type Server } from "../../packages/tools/src/proof/browsers/server.js";

declare global {
  /** What the pages of these tests can be asked. */
  var playStaleSize: (task: unknown) => Promise<readonly Outcome[]>;
  var observeGrowth: () => Promise<Readonly<Record<string, readonly string[]>>>;
}

const required = process.env["CI"] !== undefined;
const TIMEOUT_MS = 240_000;
const PLAY = "test/browser/pages/stale-size.html";
const GROWTH = "test/browser/pages/growth.html";

let server: Server;
beforeAll(async () => {
  server = await startServer({ isolated: true });
});
afterAll(() => {
  server.close();
});

async function task(warm: boolean): Promise<unknown> {
  const files = await programFiles(await loadProfile("default"), "wasm32-shared", "linked");
  return { allocator: await readFile(files.allocator, "base64"), wide: files.wide, guard: files.guard, warm };
}

const chromium = findChromium();
if (chromium === undefined && !required) console.warn("SKIPPED: growth in Chromium, because none is installed.");

describe.skipIf(chromium === undefined && !required)("in Chromium", () => {
  const within = async <T>(flags: readonly string[], act: (browser: Browser) => Promise<T>): Promise<T> => {
    if (chromium === undefined) throw new Error("CI is set, so Chromium must be installed: apt-get install chromium");
    const browser = await startChromium(chromium, flags);
    try {
      return await act(browser);
    } finally {
      await browser.close();
    }
  };

  test.each<FlagSetName>(["none", "untold-bounds"])(
    "a thread that stays inside WebAssembly can use every block that it gets, with flags: %s",
    async (name) => {
      const { flags, warm } = FLAG_SETS[name];
      const outcomes = await within(flags, async (browser) => {
        const page = await browser.newPage();
        await page.goto(server.url + PLAY);
        return page.evaluate((given) => playStaleSize(given), await task(warm));
      });
      expect(outcomes.length).toBeGreaterThan(50);
      expect(outcomes.flatMap(describeOutcome)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("the views of a heap cover at once what a worker has added", { timeout: TIMEOUT_MS }, async () => {
    const findings = await within([], async (browser) => {
      const page = await browser.newPage();
      await page.goto(server.url + GROWTH);
      return page.evaluate(() => observeGrowth());
    });
    expect(Object.keys(findings)).toContain("32 bits, fixed-length buffer");
    expect(Object.values(findings).flat()).toEqual([]);
  });
});

const firefox = findFirefox();
if (firefox === undefined && !required) console.warn("SKIPPED: growth in Firefox, because none is installed.");

describe.skipIf(firefox === undefined && !required)("in Firefox", () => {
  const ask = async (page: string, given: unknown): Promise<unknown> => {
    if (firefox === undefined) throw new Error("CI is set, so Firefox must be installed: apt-get install firefox-esr");
    return askFirefox(firefox, server.url + page, given);
  };

  test("a thread that stays inside WebAssembly can use every block that it gets", { timeout: TIMEOUT_MS }, async () => {
    const outcomes = (await ask(PLAY, await task(true))) as readonly Outcome[];
    expect(outcomes.length).toBeGreaterThan(50);
    expect(outcomes.flatMap(describeOutcome)).toEqual([]);
  });

  test("the views of a heap cover at once what a worker has added", { timeout: TIMEOUT_MS }, async () => {
    const findings = (await ask(GROWTH, null)) as Readonly<Record<string, readonly string[]>>;
    expect(Object.keys(findings)).toContain("32 bits, fixed-length buffer");
    expect(Object.values(findings).flat()).toEqual([]);
  });
});
