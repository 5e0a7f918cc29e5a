/** Makes the page of `hakmem view`, packages/viewer, one file without anything outside of it: packages/tools/dist/view/page.html. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = path.join(ROOT, "packages", "tools", "dist", "view");

const { outputFiles } = await build({
  entryPoints: [path.join(ROOT, "packages", "viewer", "src", "main.ts")],
  write: false,
  bundle: true,
  minify: true,
  format: "iife",
  platform: "browser",
  target: "es2023",
  charset: "utf8",
  legalComments: "inline",
  // It is in the page by itself.
  loader: { ".css": "empty" },
  logLevel: "warning",
});
const script = outputFiles.map(({ text }) => text.replaceAll("</script", "<\\/script")).join("");
const sheets = [
  path.join(ROOT, "node_modules", "uplot", "dist", "uPlot.min.css"),
  path.join(ROOT, "node_modules", "d3-flame-graph", "dist", "d3-flamegraph.css"),
  path.join(ROOT, "packages", "viewer", "src", "style.css"),
];
const styles = (await Promise.all(sheets.map((sheet) => readFile(sheet, "utf8")))).join("\n");
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:" />
    <link rel="icon" href="data:," />
    <title>hakmem view</title>
    <style>${styles}</style>
  </head>
  <body>
    <!-- data -->
    <script>${script}</script>
  </body>
</html>
`;
await mkdir(OUT, { recursive: true });
await writeFile(path.join(OUT, "page.html"), page);
