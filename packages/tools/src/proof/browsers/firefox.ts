import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { findExecutable } from "./chromium.js";

const NAMES = ["firefox-esr", "firefox"];
const PATIENCE_MS = 120_000;

/** Nothing is looked for, told to anybody, or shown at the first start. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
};

/** The browser to test with: `FIREFOX` if set, otherwise what is in the path; undefined when there is none. */
export function findFirefox(): string | undefined {
  return process.env["FIREFOX"] ?? findExecutable(NAMES);
}

/** Has a page that knows how to `answer` (pages/ask.js) do a task in a browser of its own, and returns the result. */
export async function askFirefox(executable: string, page: string, task: unknown): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), "hakmem-firefox-"));
  const preferences = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  await writeFile(join(home, "user.js"), preferences.join("\n"));

  let answered: (result: string) => void;
  const answer = new Promise<string>((resolve) => (answered = resolve));
  const asker = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      response
        .writeHead(200, { "Access-Control-Allow-Origin": "*" })
        .end(request.method === "GET" ? JSON.stringify(task) : "");
      if (request.method === "POST") answered(body);
    });
  }).listen(0, "127.0.0.1");
  await once(asker, "listening");
  const { port } = asker.address() as AddressInfo;

  const address = `${page}?ask=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`;
  const browser = execa(executable, ["--headless", "--no-remote", "--profile", home, address], {
    stdio: "ignore",
    env: { HOME: home },
    reject: false,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return JSON.parse(
      await Promise.race([
        answer,
        browser.then(() => Promise.reject(new Error("Firefox ended before it answered"))),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            reject(new Error("Firefox does not answer"));
          }, PATIENCE_MS);
        }),
      ]),
    ) as unknown;
  } finally {
    clearTimeout(timer);
    asker.close();
    browser.kill();
    await browser;
    await rm(home, { recursive: true, force: true, maxRetries: 10 });
  }
}
