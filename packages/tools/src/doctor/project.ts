/** Whether a project's server settings isolate its pages: what its files say, without running them. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ok, warning, type Check } from "./check.js";

interface Settings {
  readonly files: readonly string[];
  /** Where the headers go. */
  readonly where: string;
}

const EXTENSIONS = ["js", "mjs", "cjs", "ts", "mts"];
const withExtensions = (name: string): string[] => EXTENSIONS.map((extension) => `${name}.${extension}`);

const KNOWN: readonly Settings[] = [
  { files: withExtensions("vite.config"), where: "server.headers and preview.headers" },
  { files: withExtensions("webpack.config"), where: "devServer.headers" },
  { files: ["_headers", "public/_headers", "static/_headers"], where: "the file, below /*" },
  { files: ["netlify.toml"], where: "[[headers]]" },
  { files: ["vercel.json", "firebase.json", "serve.json"], where: "headers" },
];

const HEADERS = ["Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"] as const;

/** A check for each such file in `directory`. */
export async function checkProject(directory: string): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { files, where } of KNOWN) {
    for (const file of files) {
      const text = await readFile(path.join(directory, file), "utf8").catch(() => undefined);
      if (text !== undefined) checks.push(checkFile(file, text, where));
    }
  }
  return checks;
}

function checkFile(file: string, text: string, where: string): Check {
  const missing = HEADERS.filter((header) => !text.toLowerCase().includes(header.toLowerCase()));
  if (missing.length === 0) return ok(file, "sets the headers of isolation");
  return warning(
    file,
    `does not set ${missing.join(" and ")}, which heaps with shared: true need in a browser`,
    `Set Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp in ${where}`,
  );
}
