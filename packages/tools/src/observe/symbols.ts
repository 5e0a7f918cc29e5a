/** Names of functions, and lines of sources, for addresses of a native program: by addr2line of the GNU binutils, where it is installed. */

import * as path from "node:path";
import { execa } from "execa";
import type { Frame } from "./heap-profile.js";
import type { Module } from "./raw-profile.js";

/** The calls at an address, the innermost first: several where functions were inlined. */
export type Symbols = ReadonlyMap<number, readonly Frame[]>;

export interface Symbolised {
  readonly symbols: Symbols;
  /** Why some have no names; empty when all went well. */
  readonly notices: readonly string[];
}

const NAME = /^0x[\da-f]+$/;

/** The calls that return to `addresses`. Never rejects: what has no name gets its place in the program or library. */
export async function symbolise(addresses: Iterable<number>, modules: readonly Module[]): Promise<Symbolised> {
  const symbols = new Map<number, readonly Frame[]>();
  const byModule = new Map<Module, number[]>();
  for (const address of new Set(addresses)) {
    const found = modules.findLast(({ start, end }) => address > start && address <= end);
    if (found === undefined) symbols.set(address, [{ name: `0x${address.toString(16)}`, file: "", line: 0 }]);
    else byModule.set(found, [...(byModule.get(found) ?? []), address]);
  }
  const notices = new Set<string>();
  for (const [module, own] of byModule) {
    // The instruction before the one that the call returns to is the call.
    const places = own.map((address) => address - 1 - module.base);
    const names = await namesOf(module.path, places, notices);
    own.forEach((address, index) => {
      const known = names[index]?.filter(({ name }) => name !== "??") ?? [];
      const place = `${path.basename(module.path)}+0x${(places[index] ?? 0).toString(16)}`;
      symbols.set(address, known.length > 0 ? known : [{ name: place, file: module.path, line: 0 }]);
    });
  }
  return { symbols, notices: [...notices] };
}

async function namesOf(file: string, places: readonly number[], notices: Set<string>): Promise<Frame[][]> {
  const input = places.map((place) => `0x${place.toString(16)}\n`).join("");
  const options = { input, reject: false, maxBuffer: 2 ** 30 } as const;
  const result = await execa("addr2line", ["-a", "-f", "-i", "-C", "-e", file], options);
  if (result.code === "ENOENT")
    notices.add("addr2line is not installed, so functions have no names (on Debian: apt-get install binutils)");
  if (result.failed) return [];
  const answers: Frame[][] = [];
  const lines = result.stdout.split("\n");
  for (let at = 0; at < lines.length;) {
    const line = lines[at++] ?? "";
    if (NAME.test(line)) answers.push([]);
    else answers.at(-1)?.push(frameOf(line, lines[at++] ?? "", file));
  }
  return answers;
}

function frameOf(name: string, place: string, file: string): Frame {
  const found = /^(.+):(\d+)(?: \(discriminator \d+\))?$/.exec(place);
  const source = found?.[1];
  return source === undefined || source === "??"
    ? { name, file, line: 0 }
    : { name, file: source, line: Number(found?.[2]) };
}
