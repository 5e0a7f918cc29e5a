/**
 * Places in sources for places in what was made of them: by the source maps of bundled scripts, and of WebAssembly modules, where a column is an
 * offset in the module.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { ExplainedError, messageOf } from "../base/errors.js";
import type { DataProfile } from "./data-profile.js";

type Frame = DataProfile["sites"][number]["stack"][number];

const COMMENT = /\/\/[#@] sourceMappingURL=(\S+)\s*$/;
const EMBEDDED = /^data:application\/json[^,]*;base64,(.*)$/;

/**
 * `profile` with the calls' places in their sources, where a map has them. Maps are those that scripts on this machine name, and the files `NAME.map`
 * in `directories`, where NAME is a script's or module's. Engines may name a module by a hash alone: then it is the only map of a module there.
 *
 * Throws {@link ExplainedError} for a file of that name that is no source map.
 */
export function withSources(profile: DataProfile, directories: readonly string[]): DataProfile {
  const maps = new Map<string, TraceMap | undefined>();
  const mapOf = (file: string): TraceMap | undefined => {
    if (!maps.has(file)) maps.set(file, findMap(file, directories));
    return maps.get(file);
  };
  const located = (frame: Frame): Frame => {
    const map = frame.line === 0 ? undefined : mapOf(frame.file);
    if (map === undefined) return frame;
    // The name that a map has for a place is of what is called there.
    const { source, line, column } = originalPositionFor(map, {
      line: frame.line,
      column: Math.max(0, frame.column - 1),
    });
    if (source === null || line === null) return frame;
    return { name: frame.name, file: source, line, column: (column ?? 0) + 1 };
  };
  return { ...profile, sites: profile.sites.map((site) => ({ ...site, stack: site.stack.map(located) })) };
}

function findMap(file: string, directories: readonly string[]): TraceMap | undefined {
  const url = file.replace(/[?#].*$/, "");
  const name = `${path.posix.basename(url).replace(/-[0-9a-f]{8}$/, "")}.map`;
  const named = directories.map((directory) => path.join(directory, name)).find((each) => existsSync(each));
  const beside = named ?? (url.startsWith("wasm:") ? onlyModuleMap(directories) : undefined);
  if (beside !== undefined) return parseMap(readFileSync(beside, "utf8"), beside);
  const script = file.startsWith("file:") ? fileURLToPath(file) : file;
  if (!path.isAbsolute(script) || !existsSync(script) || script.endsWith(".wasm")) return undefined;
  const comment = COMMENT.exec(readFileSync(script, "utf8").slice(-(1 << 20)))?.[1];
  if (comment === undefined) return undefined;
  const embedded = EMBEDDED.exec(comment)?.[1];
  if (embedded !== undefined) return parseMap(Buffer.from(embedded, "base64").toString(), script);
  const map = path.resolve(path.dirname(script), comment);
  return existsSync(map) ? parseMap(readFileSync(map, "utf8"), map) : undefined;
}

function onlyModuleMap(directories: readonly string[]): string | undefined {
  const [only, another] = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name.endsWith(".wasm.map"))
      .map((name) => path.join(directory, name)),
  );
  return another === undefined ? only : undefined;
}

function parseMap(text: string, name: string): TraceMap {
  try {
    return new TraceMap(text, name);
  } catch (error) {
    throw new ExplainedError(`${name} is not a source map: ${messageOf(error)}`);
  }
}
