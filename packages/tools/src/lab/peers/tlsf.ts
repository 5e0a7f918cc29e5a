/** AssemblyScript's own allocator (two-level segregated fit), compiled as its release builds are. One thread only. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ARENA_END } from "../arena.js";
import { compiledPeer, PEER_SOURCES } from "./compiled.js";
import type { WasmPeer } from "./peer.js";

export const TLSF_PEER: WasmPeer = {
  kind: "wasm",
  name: "tlsf",
  profile: null,
  description: "AssemblyScript's allocator",
  keepsContents: true,
  targets: ["wasm32"],
  missing: () => Promise.resolve(undefined),
  measuredAs: "tlsf",
  build: () => compiledPeer("tlsf", OPTIONS, compile),
  minimumBytes: () => 0,
  initialBytes: () => 0,
  begin: () => 0,
};

const OPTIONS = [
  ...["tlsf.ts", "--outFile", "tlsf.wasm"],
  ...["--runtime", "minimal", "--use", "abort=", "--noAssert", "-O3"],
  ...["--importMemory", "--noExportMemory", "--memoryBase", String(ARENA_END)],
];

async function compile(): Promise<Uint8Array> {
  const { main } = await import("assemblyscript/asc");
  const source = await readFile(path.join(PEER_SOURCES, "tlsf.ts"), "utf8");
  let binary: Uint8Array | undefined;
  const { error } = await main(OPTIONS, {
    readFile: (name) => (name === "tlsf.ts" ? source : null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) {
    throw new Error(`AssemblyScript's allocator does not compile: ${error?.message ?? "the compiler wrote nothing"}`);
  }
  return binary;
}
