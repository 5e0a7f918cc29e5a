/** Where the library is shown to work, and how the acceptance programs (test/places) are run there. */

import * as path from "node:path";
import { execa } from "execa";
import { withScratch } from "../../base/scratch.js";
import { ROOT } from "../../base/paths.js";
import { nodeVersion } from "../../lab/node-versions.js";
import { BUN, DENO, npmProgram, type NpmProgram } from "../../lab/npm-program.js";
import { findChromium, startChromium } from "../browsers/chromium.js";
import { askFirefox, findFirefox } from "../browsers/firefox.js";
import { startServer } from "../browsers/server.js";
import {
  buildWithEsbuild,
  buildWithRollup,
  buildWithVite,
  buildWithWebpack,
  makeProject,
  serveWithVite,
  type Bundler,
} from "./bundlers.js";

/** What came of one step: "ok", the code of an error that says what the place lacks, or "FAILED: …". */
export interface Outcome {
  readonly name: string;
  readonly result: string;
}

export interface Place {
  /** What the command line selects by. */
  readonly name: string;
  /** What it is, with its version; asked when it has been run. */
  readonly title: () => Promise<string>;
  readonly run: () => Promise<readonly Outcome[]>;
}

declare global {
  /** What the pages can be asked for. */
  var acceptance: () => Promise<Outcome[]>;
}

const PROGRAM = path.join(ROOT, "test", "places", "node.js");
const PLAIN_PAGE = "test/places/plain/index.html";

export const PLACES: readonly Place[] = [
  ...["20", "22", "24", "26"].map(node),
  program("bun", BUN, []),
  program("deno", DENO, ["run", "--allow-all"]),
  {
    name: "chromium",
    title: () => browserVersion("Chromium", findChromium()),
    run: () => inCheckout({ isolated: true }, askChromium),
  },
  {
    name: "chromium-not-isolated",
    title: async () => `${await browserVersion("Chromium", findChromium())}, a page that is not isolated`,
    run: () => inCheckout({ isolated: false }, askChromium),
  },
  {
    name: "firefox",
    title: () => browserVersion("Firefox", findFirefox()),
    run: () =>
      inCheckout({ isolated: true }, async (url) => {
        return (await askFirefox(required("Firefox", findFirefox()), url, {})) as Outcome[];
      }),
  },
  {
    name: "vite-dev",
    title: async () => `Vite ${await packageVersion("vite")}, development server`,
    run: () =>
      withScratch("page", async (work) => {
        const server = await serveWithVite(await makeProject(work));
        try {
          return await askChromium(server.url);
        } finally {
          await server.close();
        }
      }),
  },
  bundled("vite", "Vite", buildWithVite),
  bundled("webpack", "webpack", buildWithWebpack),
  bundled("esbuild", "esbuild", buildWithEsbuild),
  bundled("rollup", "Rollup", buildWithRollup),
];

function node(major: string): Place {
  return {
    name: `node-${major}`,
    title: async () => `Node ${(await nodeVersion(major)).version}`,
    run: async () => outcomesOf((await nodeVersion(major)).execPath, []),
  };
}

function program(name: string, npm: NpmProgram, args: readonly string[]): Place {
  return {
    name,
    title: () => Promise.resolve(`${npm.title} ${npm.version}`),
    run: async () => outcomesOf(await npmProgram(npm), args),
  };
}

/** A page that a bundler has built, served as files, in Chromium. */
function bundled(name: string, title: string, bundler: Bundler): Place {
  return {
    name,
    title: async () => `${title} ${await packageVersion(name)}, build`,
    run: () =>
      withScratch("page", async (work) => {
        const out = path.join(work, "out");
        await bundler(await makeProject(work), out);
        const server = await startServer({ isolated: true, root: out });
        try {
          return await askChromium(`${server.url}index.html`);
        } finally {
          server.close();
        }
      }),
  };
}

async function outcomesOf(command: string, args: readonly string[]): Promise<readonly Outcome[]> {
  const { stdout } = await execa(command, [...args, PROGRAM], { cwd: ROOT });
  return JSON.parse(stdout) as Outcome[];
}

async function inCheckout<T>(options: { isolated: boolean }, act: (url: string) => Promise<T>): Promise<T> {
  const server = await startServer(options);
  try {
    return await act(server.url + PLAIN_PAGE);
  } finally {
    server.close();
  }
}

async function askChromium(url: string): Promise<readonly Outcome[]> {
  const browser = await startChromium(required("Chromium", findChromium()));
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
    await page
      .waitForFunction(() => "acceptance" in globalThis)
      .catch((error: unknown) => {
        throw new Error(`the page did not load: ${errors.join("; ")}`, { cause: error });
      });
    return await page.evaluate(() => acceptance());
  } finally {
    await browser.close();
  }
}

function required(name: string, executable: string | undefined): string {
  if (executable !== undefined) return executable;
  throw new Error(
    `${name} is not installed; on Debian: apt-get install ${name === "Firefox" ? "firefox-esr" : "chromium"}`,
  );
}

async function browserVersion(name: string, executable: string | undefined): Promise<string> {
  const { stdout } = await execa(required(name, executable), ["--version"]);
  return `${name} ${/\d[\d.]*\w*/.exec(stdout)?.[0] ?? stdout}`;
}

async function packageVersion(name: string): Promise<string> {
  const { default: manifest } = (await import(`${name}/package.json`, { with: { type: "json" } })) as {
    default: { version: string };
  };
  return manifest.version;
}
