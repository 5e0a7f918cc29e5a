/** Peers in AssemblyScript: what bench/peers/ has of them is compiled once, and kept. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { cachedFile } from "../../base/cache.js";
import { fingerprint, fingerprintOfPipeline, fingerprintOfSources } from "../../base/fingerprint.js";
import { ROOT } from "../../base/paths.js";

export const PEER_SOURCES = path.join(ROOT, "bench", "peers");

/** The module of the peer `name`. @param options all that `compile` depends on beside the sources and this package's compilers */
export async function compiledPeer(
  name: string,
  options: readonly string[],
  compile: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const sources = await fingerprintOfSources(PEER_SOURCES, ".ts");
  const key = fingerprint(await fingerprintOfPipeline(), sources, JSON.stringify(options));
  return readFile(await cachedFile(`peer-${name}-${key}.wasm`, compile));
}
