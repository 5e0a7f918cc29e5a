import type * as Hakmem from "hakmem";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findChromium, startChromium } from "../../packages/tools/src/proof/browsers/chromium.js";
import { startServer, type Server } from "../../packages/tools/src/proof/browsers/server.js";

declare global {
  /** The library, in the pages that the tests open. */
  var hakmem: typeof Hakmem;
}

const executable = findChromium();
const required = process.env["CI"] !== undefined;

if (executable === undefined && !required) {
  console.warn(
    "SKIPPED: the browser tests, because no Chromium is installed.\n" +
      'Install one, with "apt-get install chromium" for instance, or name one in the environment variable CHROMIUM.',
  );
}

describe.skipIf(executable === undefined && !required)("in Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    if (executable === undefined) throw new Error("CI is set, so Chromium must be installed: apt-get install chromium");
    browser = await startChromium(executable);
  });
  afterAll(async () => {
    await browser?.close();
  });

  describe("on a page that is cross-origin isolated", () => {
    let server: Server;
    let page: Page;

    beforeAll(async () => {
      server = await startServer({ isolated: true });
    });
    afterAll(() => {
      server.close();
    });
    beforeEach(async () => {
      page = await openPage(browser, `${server.url}test/browser/pages/library.html`);
      return () => page.close();
    });

    test("a private heap allocates, grows and keeps its views right", async () => {
      const result = await page.evaluate(async () => {
        const { createHeap } = hakmem;
        const heap = await createHeap();
        const array = heap.alloc(Float32Array, 100).fill(2);
        const large = heap.malloc(32 * 1024 * 1024);
        heap.u8[large] = 7;
        const outcome = {
          detached: array.length === 0,
          sum: heap.live(array).reduce((sum, element) => sum + element, 0),
          byte: heap.u8[large],
        };
        heap.free(array);
        heap.free(large);
        const { live } = heap.stats();
        heap.close();
        return { ...outcome, live };
      });
      expect(result).toEqual({ detached: true, sum: 200, byte: 7, live: 0 });
    });

    test("workers that share a heap damage none of each other's blocks and lose none", async () => {
      const result = await page.evaluate(async () => {
        const { createHeap } = hakmem;
        const count = 32;
        const heap = await createHeap({ shared: true, maximum: 256 * 1024 * 1024 });
        const mailboxes = heap.alloc(Uint32Array, count);
        const task = { handle: heap.handle, mailboxes: heap.pointerOf(mailboxes), count, rounds: 30_000 };
        const answers = await Promise.all(
          [1, 2, 3].map(
            () =>
              new Promise<{ damaged: number; threadId: number }>((resolve, reject) => {
                const worker = new Worker("/test/browser/pages/worker.js", { type: "module" });
                worker.onmessage = ({ data }) => {
                  worker.terminate();
                  resolve(data as { damaged: number; threadId: number });
                };
                worker.onerror = ({ message }) => {
                  reject(new Error(message));
                };
                worker.postMessage(task);
              }),
          ),
        );
        for (const block of mailboxes) heap.free(block);
        heap.free(mailboxes);
        const { live, threads } = heap.stats();
        heap.close();
        return {
          damaged: answers.map(({ damaged }) => damaged),
          threadIds: new Set(answers.map(({ threadId }) => threadId)).size,
          live,
          threads,
        };
      });
      expect(result).toEqual({ damaged: [0, 0, 0], threadIds: 3, live: 0, threads: 1 });
    });

    test("a heap over a 64-bit memory reaches beyond 4 GiB, from several attachments", async () => {
      const result = await page.evaluate(async () => {
        const { attachHeap, createHeap } = hakmem;
        const size = 5 * 2 ** 30;
        const heap = await createHeap({ shared: true, memory64: true });
        const attached = attachHeap(heap.handle);
        const block = attached.malloc(size);
        attached.u8[block + size - 1] = 7;
        const byte = heap.view(Uint8Array, block + size - 1, 1)[0];
        heap.free(block);
        return { beyond: block + size > 2 ** 32, byte, live: heap.stats().live };
      });
      expect(result).toEqual({ beyond: true, byte: 7, live: 0 });
    });

    test("createHeapSync takes a module that was compiled before, and says what it needs without one", async () => {
      const result = await page.evaluate(async () => {
        const { createHeapSync } = hakmem;
        const module = await WebAssembly.compileStreaming(fetch("/packages/hakmem/dist/wasm/default.wasm32.wasm"));
        const heap = createHeapSync({ module });
        let code: unknown;
        try {
          createHeapSync({ profile: "guard" });
        } catch (error) {
          code = (error as { code: unknown }).code;
        }
        return { pointer: heap.malloc(16), code };
      });
      expect(result.pointer).toBeGreaterThan(0);
      expect(result.code).toBe("HAKMEM_MODULE");
    });

    test("a module that the server does not have is reported with its address", async () => {
      const message = await page.evaluate(async () => {
        const { createHeap } = hakmem;
        return createHeap({ module: new URL("/nowhere.wasm", location.href) }).catch((error: Error) => error.message);
      });
      expect(message).toContain(`${server.url}nowhere.wasm`);
      expect(message).toContain("404");
    });

    test("the example counts every pixel and leaves nothing allocated", async () => {
      await page.goto(`${server.url}examples/browser/index.html`);
      await page.waitForSelector("output:not([data-state=running])");
      const output = page.locator("output");
      expect(await output.getAttribute("data-state")).toBe("done");
      const text = await output.textContent();
      expect(text).toContain(`${1024 * 1024} pixels counted`);
      expect(text).toContain("0 bytes still allocated");
    });
  });

  describe("on a page that is not cross-origin isolated", () => {
    let server: Server;

    beforeAll(async () => {
      server = await startServer({ isolated: false });
    });
    afterAll(() => {
      server.close();
    });

    test("a shared heap is refused with a typed error, and a private one works", async () => {
      const page = await openPage(browser, `${server.url}test/browser/pages/library.html`);
      const result = await page.evaluate(async () => {
        const { createHeap, NotCrossOriginIsolatedError } = hakmem;
        const error: unknown = await createHeap({ shared: true }).catch((reason: unknown) => reason);
        const heap = await createHeap();
        return {
          typed: error instanceof NotCrossOriginIsolatedError,
          remedy: (error as { remedy: string }).remedy,
          allocates: heap.malloc(100) !== 0,
        };
      });
      expect(result).toMatchObject({ typed: true, allocates: true });
      expect(result.remedy).toContain("Cross-Origin-Embedder-Policy");
      await page.close();
    });

    test("the example shows the error instead of a result", async () => {
      const page = await openPage(browser, `${server.url}examples/browser/index.html`);
      await page.waitForSelector("output[data-state=failed]");
      expect(await page.locator("output").textContent()).toContain("HAKMEM_NOT_CROSS_ORIGIN_ISOLATED");
      await page.close();
    });
  });
});

/** Opens a page whose errors, other than those that it handles, fail the test. */
async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}
