/** Whether a project's server settings isolate its pages: what its files say, without running them. */

import { readFile, stat } from "node:fs/promises";
import * as path from "node:path";
import { RequestError } from "../base/errors.js";
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

/** And the values by which a page is isolated. */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin(?!-)",
  "Cross-Origin-Embedder-Policy": "require-corp|credentialless",
} as const;

/** A check for each such file in `directory`. */
export async function checkProject(directory: string): Promise<Check[]> {
  if ((await stat(directory).catch(() => undefined))?.isDirectory() !== true)
    throw new RequestError(`--project ${directory}: there is no such directory`);
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
  const said = text.replaceAll(/^\s*(?:\/\/|#).*$|\/\*[^]*?\*\//gm, "");
  const missing = Object.entries(HEADERS).flatMap(([header, values]) =>
    new RegExp(`${header}\\b[^]{0,40}?\\b(?:${values})\\b`, "i").test(said) ? [] : [header],
  );
  if (missing.length === 0) return ok(file, "sets the headers of isolation");
  return warning(
    file,
    `does not set ${missing.join(" and ")}, which heaps with shared: true need in a browser`,
    `Set Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp in ${where}`,
  );
}
