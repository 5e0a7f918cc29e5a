// @ts-check
/**
 * Serves this repository, or another directory, to a browser, with the two headers that let a page share memory with its workers.
 *
 *   node examples/browser/serve.js [--port 8080] [--root DIRECTORY] [--not-isolated]
 */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".wasm": "application/wasm",
};

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * Starts the server on the loopback interface.
 * @param {{ port?: number, isolated?: boolean, root?: string }} options port 0 takes any free one
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve({ port = 0, isolated = true, root = ROOT } = {}) {
  const base = resolve(root) + sep;
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const file = normalize(join(base, decodeURIComponent(pathname)));
    const type = TYPES[extname(file)];
    const found =
      file.startsWith(base) &&
      !file.slice(base.length - 1).includes(`${sep}.`) &&
      (await stat(file).catch(() => undefined))?.isFile();
    if (!found || type === undefined) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end(`${pathname} is not here\n`);
      return;
    }
    response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store", ...(isolated ? ISOLATION : {}) });
    createReadStream(file).pipe(response);
  });
  await new Promise((listening, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => listening(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8080" },
      root: { type: "string", default: ROOT },
      "not-isolated": { type: "boolean", default: false },
    },
  });
  const { port, root } = values;
  const { url } = await serve({ port: Number(port), root, isolated: !values["not-isolated"] });
  console.log(`Open ${url}examples/browser/index.html (Ctrl+C stops)`);
}
