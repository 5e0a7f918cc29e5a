/** The acceptance page through bundlers, each as it is out of the box, in a project that has the library installed. */

import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { ROOT } from "../../base/paths.js";

/** Where the page is in a project, and in the checkout. */
const PAGE = path.join("test", "places", "page");

/** Lays out a project with the page and the library, as npm would have installed it, and returns the page's directory. */
export async function makeProject(directory: string): Promise<string> {
  for (const name of [path.join("test", "places"), path.join("test", "browser", "pages", "ask.js")]) {
    await cp(path.join(ROOT, name), path.join(directory, name), { recursive: true });
  }
  const library = path.join(directory, "node_modules", "hakmem");
  await mkdir(library, { recursive: true });
  for (const name of ["package.json", "dist"]) {
    await cp(path.join(ROOT, "packages", "hakmem", name), path.join(library, name), { recursive: true });
  }
  await writeFile(path.join(directory, "package.json"), '{ "name": "page", "type": "module", "private": true }\n');
  return path.join(directory, PAGE);
}

/** Bundles the page in `page` into `out`. */
export type Bundler = (page: string, out: string) => Promise<void>;

export async function buildWithVite(page: string, out: string): Promise<void> {
  const { build } = await import("vite");
  await build({ root: page, logLevel: "error", build: { outDir: out, emptyOutDir: true } });
}

/** Serves the page as Vite does while one works on it; what it returns ends that. */
export async function serveWithVite(page: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { createServer } = await import("vite");
  const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  const server = await createServer({ root: page, logLevel: "error", server: { headers, host: "127.0.0.1", port: 0 } });
  await server.listen();
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error("Vite does not say where it listens");
  return { url, close: () => server.close() };
}

export async function buildWithWebpack(page: string, out: string): Promise<void> {
  const { default: webpack } = await import("webpack");
  const compiler = webpack({
    mode: "production",
    context: page,
    entry: "./main.js",
    output: { path: out, filename: "main.js" },
  });
  await new Promise<void>((resolve, reject) => {
    compiler.run((error, stats) => {
      if (error !== null) reject(error);
      else if (stats?.hasErrors() === true) reject(new Error(stats.toString("errors-only")));
      else resolve();
    });
  });
  await new Promise((resolve) => {
    compiler.close(resolve);
  });
  await copyFile(path.join(page, "index.html"), path.join(out, "index.html"));
}

/** esbuild leaves the addresses of workers alone: theirs is an entry of its own. */
export async function buildWithEsbuild(page: string, out: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: page,
    entryPoints: ["main.js", "worker.js"],
    outdir: out,
    bundle: true,
    format: "esm",
    splitting: true,
    logLevel: "error",
  });
  await copyFile(path.join(page, "index.html"), path.join(out, "index.html"));
}

/** Rollup leaves them alone as well, and finds packages by its plugin for that. */
export async function buildWithRollup(page: string, out: string): Promise<void> {
  const { rollup } = await import("rollup");
  const { nodeResolve } = await import("@rollup/plugin-node-resolve");
  const bundle = await rollup({
    input: [path.join(page, "main.js"), path.join(page, "worker.js")],
    plugins: [nodeResolve()],
  });
  await bundle.write({ dir: out, format: "es" });
  await bundle.close();
  await copyFile(path.join(page, "index.html"), path.join(out, "index.html"));
}
