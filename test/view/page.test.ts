/** The viewer's page in a real browser. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, startChromium } from "../../packages/tools/src/proof/browsers/chromium.js";
import { askFirefox, findFirefox } from "../../packages/tools/src/proof/browsers/firefox.js";
import { startServer } from "../../packages/tools/src/proof/browsers/server.js";
import { compile } from "../native/support/program.js";
import { temporary } from "../support/temporary.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const TRACE = fileURLToPath(new URL("../../bench/traces/json.hkt", import.meta.url));
const required = process.env["CI"] !== undefined;
const chromium = findChromium();
if (chromium === undefined && !required) console.warn("SKIPPED: the viewer's page, because no Chromium is installed.");

const hakmem = (...args: string[]) => execa(process.execPath, [CLI, ...args]);

describe.skipIf(chromium === undefined && !required)("the viewer's page", { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    if (chromium === undefined) throw new Error("CI is set, so Chromium must be installed: apt-get install chromium");
    browser = await startChromium(chromium);
  });
  afterAll(async () => {
    await browser.close();
  });

  /** Fails at once at what goes wrong in the page, or when it asks anybody else. */
  async function open(url: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const { protocol, origin, href } = new URL(url);
    const own = protocol === "file:" ? href : origin;
    page.on("pageerror", (error) => expect.fail(error.message));
    page.on("console", (message) => message.type() === "error" && expect.fail(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith(own) && !request.url().startsWith("data:")) expect.fail(request.url());
    });
    await page.goto(url);
    await page.waitForSelector("section");
    return page;
  }

  async function html(...files: string[]): Promise<string> {
    const output = path.join(await temporary(), "it.html");
    await hakmem("view", ...files, "--html", output);
    return pathToFileURL(output).href;
  }

  const text = async (page: Page, selector: string): Promise<string> => (await page.textContent(selector)) ?? "";
  const chosen = async (page: Page, panel = 0): Promise<number> =>
    Number(await page.locator(".time-line").nth(panel).getAttribute("aria-valuenow"));

  /** Colours of the map that differ from one another. */
  const colours = (page: Page): Promise<number> =>
    page.evaluate(() => {
      const canvas = document.querySelector(".map canvas") as HTMLCanvasElement;
      const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      return new Set(new Uint32Array(data.buffer)).size;
    });

  it("is one file that shows a recording's map, classes and threads, and follows the mouse and the keys", async () => {
    const page = await open(await html(TRACE));
    expect(await text(page, "section h2")).toBe("json.hkt");
    await expect.poll(() => colours(page)).toBeGreaterThan(5);
    const peak = await text(page, ".now");
    expect(peak).toMatch(/asked for 1\.\d MiB/);
    const [most] = /\d+\.\d \w+(?= at once)/.exec(await text(page, "section > p")) ?? [];
    expect(peak).toContain(`asked for ${most}`);
    const over = await page.locator(".time-line .u-over").boundingBox();
    if (over === null) expect.fail("there is no time line");
    await page.mouse.move(over.x + 10, over.y + 20);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width / 4, over.y + 20, { steps: 5 });
    await page.mouse.up();
    const dragged = await text(page, ".now");
    expect(dragged).not.toBe(peak);
    expect(await chosen(page)).toBeGreaterThan(20_000);
    expect(await chosen(page)).toBeLessThan(30_000);
    await page.keyboard.press("End");
    expect(await text(page, ".now")).toMatch(/asked for \d\.\d KiB/);
    await page.keyboard.press("Home");
    expect(await chosen(page)).toBe(0);
    await page.keyboard.press("Shift+ArrowRight");
    expect(await chosen(page)).toBeGreaterThan(0);
    await page.keyboard.press("p");
    expect(await text(page, ".now")).toBe(peak);
    const map = await page.locator(".map canvas").boundingBox();
    if (map === null) expect.fail("there is no map");
    // The last SuperSlab's first pages hold blocks.
    await page.mouse.click(map.x + 150, map.y + 5);
    expect(await text(page, ".tip")).toMatch(/^page \d+, 0x[0-9a-f]+: /);
    expect(await page.locator(".blocks span").count()).toBeGreaterThan(0);
    const first = (): Promise<string> => text(page, "table tbody td");
    expect(await first()).toBe("16 bytes");
    await page.getByRole("button", { name: "slabs" }).click();
    expect(await first()).toBe("64 bytes");
    await page.keyboard.press("?");
    expect(await page.locator("dialog").isVisible()).toBe(true);
  });

  it("is dark where the system is, and when it is told to", async () => {
    const page = await open(await html(TRACE));
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.keyboard.press("d");
    expect(await background()).toBe(light);
  });

  it("shows one recording under two profiles side by side, at the same moment", async () => {
    const page = await open(await html(TRACE, "--profile", "default,compact"));
    expect(await page.locator("section").count()).toBe(2);
    await page.keyboard.press("Home");
    for (let n = 0; n < 5; n++) await page.keyboard.press("Shift+ArrowRight");
    expect(await chosen(page, 1)).toBe(await chosen(page, 0));
    expect(await chosen(page)).toBeGreaterThan(0);
    const facts = await page.locator("section p").allTextContents();
    expect(facts.some((fact) => fact.includes("profile compact"))).toBe(true);
  });

  it("shows a heap profile as a flame graph, in which functions can be found", async () => {
    const file = path.join(await temporary(), "it.folded");
    await writeFile(file, "main;parse;allocate 5000\nmain;cache 3000\n");
    const page = await open(await html(file));
    const names = async (): Promise<string[]> => page.locator(".d3-flame-graph-label").allTextContents();
    expect(await names()).toEqual(expect.arrayContaining(["main", "parse", "allocate", "cache"]));
    await page.locator(".d3-flame-graph-label", { hasText: "cache" }).hover({ force: true });
    expect(await text(page, ".flame + .tip")).toMatch(/cache: 2\.9 KiB, 37\.5 %/);
    await page.getByRole("searchbox").fill("alloc");
    const found = (): Promise<number> => page.locator('.flame rect[fill="#E600E6"]').count();
    await expect.poll(found).toBe(1);
  });

  it("shows two heap profiles beside each other, and stacks of any depth", async () => {
    const file = path.join(await temporary(), "it.folded");
    await writeFile(file, `${Array.from({ length: 3000 }, (_, n) => `call${n}`).join(";")} 5000\n`);
    const page = await open(await html(file, file));
    const chart = (n: number) => page.locator(".flame svg").nth(n).boundingBox();
    await expect.poll(() => chart(1)).not.toBeNull();
    const [left, right] = [(await chart(0))!, (await chart(1))!];
    expect(left.x + left.width).toBeLessThanOrEqual(right.x);
    expect(right.x + right.width).toBeLessThanOrEqual(1200);
    expect(await page.locator(".d3-flame-graph-label").allTextContents()).toContain("(2488 calls more)");
  });

  it("can be used by keys alone, on a narrow screen", async () => {
    const page = await open(await html(TRACE));
    await page.setViewportSize({ width: 400, height: 800 });
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    await page.locator(".map canvas").focus();
    await page.keyboard.press("ArrowRight");
    expect(await text(page, ".map .tip")).toMatch(/^page 1, /);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".blocks").count()).toBe(1);
    expect(await text(page, ".detail p")).toBe(await text(page, ".map .tip"));
  });

  it("is served on this machine alone, and says what is wrong", async () => {
    const { child, url } = await served("view", TRACE);
    try {
      const page = await open(url);
      await page.waitForSelector(".map canvas");
      // By a name of somebody else's that leads here.
      const foreign = get(url, { headers: { host: "evil.example" } });
      const [{ statusCode }] = (await once(foreign, "response")) as [IncomingMessage];
      expect(statusCode).toBe(404);
      foreign.destroy();
    } finally {
      child.kill("SIGTERM");
    }
    expect((await once(child, "exit"))[0]).toBe(0);
    const broken = path.join(await temporary(), "it.hkt");
    await writeFile(broken, (await readFile(TRACE)).subarray(0, 5000));
    const ended = await execa(process.execPath, [CLI, "view", broken], { reject: false });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/it\.hkt: its end is missing/);
  });

  it("shows a running program: what it has, and who asked for it", async () => {
    const program = await compile("waiting.c");
    const { child, url } = await served("view", "--live", "--sample-bytes", "4k", "--", program);
    try {
      const page = await open(url);
      await expect.poll(() => text(page, ".now"), { timeout: 20_000 }).toMatch(/^runs, .*: [2-9]\.\d MiB in use/);
      await expect
        .poll(() => page.locator(".d3-flame-graph-label").allTextContents(), { timeout: 20_000 })
        .toContain("main");
      const cell = await page.locator(".map canvas").boundingBox();
      const kinds = new Set<string>();
      for (let x = 2; x < 14 * 32; x += 7) {
        await page.mouse.move(cell!.x + x, cell!.y + 3);
        kinds.add((await text(page, ".map .tip")).replace(/^page \d+, 0x[\da-f]+: /, "").replace(/ of .*/, ""));
      }
      expect([...kinds]).toEqual(expect.arrayContaining(["slab", "metadata"]));
      child.stdin?.end("\n");
      await expect.poll(() => text(page, ".now"), { timeout: 20_000 }).toMatch(/ended/);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

const firefox = findFirefox();
if (firefox === undefined && !required) console.warn("SKIPPED: the viewer in Firefox, because none is installed.");

describe.skipIf(firefox === undefined && !required)("in Firefox", { timeout: 180_000 }, () => {
  it("draws the map and follows the keys", async () => {
    if (firefox === undefined) throw new Error("CI is set, so Firefox must be installed: apt-get install firefox-esr");
    const directory = await temporary();
    await hakmem("view", TRACE, "--html", path.join(directory, "view.html"));
    for (const name of ["ask.js", "frame.html"])
      await copyFile(new URL(`../browser/pages/${name}`, import.meta.url), path.join(directory, name));
    const server = await startServer({ isolated: false, root: directory });
    try {
      const answer = await askFirefox(firefox, `${server.url}frame.html`, {});
      expect(answer).toEqual({ name: "json.hkt", colours: expect.any(Number) as number, moved: true });
      expect((answer as { colours: number }).colours).toBeGreaterThan(5);
    } finally {
      server.close();
    }
  });
});

async function served(...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    said += chunk.toString();
    const url = /http:\S+/.exec(said)?.[0];
    if (url !== undefined) return { child, url };
  }
  return expect.fail(said);
}
