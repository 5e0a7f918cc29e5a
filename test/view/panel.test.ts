/** The element that shows a heap in a page, in a real browser. */

import type { Heap } from "hakmem";
import { describe, expect, it } from "vitest";
import { findChromium, startChromium } from "../../packages/tools/src/proof/browsers/chromium.js";
import { startServer } from "../../packages/tools/src/proof/browsers/server.js";

declare global {
  /** Of test/browser/pages/panel.html. */
  var heap: Heap;
  var blocks: number[];
}

const required = process.env["CI"] !== undefined;
const chromium = findChromium();
if (chromium === undefined && !required) console.warn("SKIPPED: the panel, because no Chromium is installed.");

describe("hakmem/panel", () => {
  it("can be imported where there are no elements", async () => {
    const { HakmemPanel } = await import("hakmem/panel");
    expect(HakmemPanel).toBeTypeOf("function");
  });

  it.skipIf(chromium === undefined && !required)(
    "shows what a heap has, follows it, and ends with it",
    async () => {
      if (chromium === undefined) throw new Error("CI is set, so Chromium must be installed: apt-get install chromium");
      const server = await startServer({ isolated: false });
      const browser = await startChromium(chromium);
      try {
        const page = await browser.newPage();
        page.on("pageerror", (error) => expect.fail(error.message));
        await page.goto(`${server.url}test/browser/pages/panel.html`);
        const legend = page.locator("hakmem-panel p");
        await expect.poll(() => legend.textContent()).toMatch(/^in use 1000\.0 KiB.*1 thread$/);
        const row = page.locator("hakmem-panel tbody tr", { hasText: "1.0 KiB" });
        expect(await row.textContent()).toMatch(/^1\.0 KiB\d+1,000/);
        const drawn = (): Promise<number> =>
          page.evaluate(() => {
            const canvas = document.querySelector("hakmem-panel")?.shadowRoot?.querySelector("canvas");
            const context = canvas?.getContext("2d");
            if (!canvas || !context) return 0;
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size;
          });
        await expect.poll(drawn, { timeout: 10_000 }).toBeGreaterThan(4);
        await page.evaluate(() => {
          for (const block of blocks) heap.free(block);
        });
        await expect.poll(() => legend.textContent(), { timeout: 10_000 }).toMatch(/^in use 0 bytes/);
        await page.evaluate(() => {
          heap.close();
        });
        await expect.poll(() => legend.textContent(), { timeout: 10_000 }).toBe("The heap is closed.");
      } finally {
        await browser.close();
        server.close();
      }
    },
    60_000,
  );
});
