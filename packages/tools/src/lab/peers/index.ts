/** The list of peers. A new one is a file in this directory and a line here or, when it needs no profile, in `fixed.ts`. */

import { loadShippedProfiles } from "../../profile/index.js";
import { unknownName } from "../../base/errors.js";
import { FIXED_PEERS } from "./fixed.js";
import { ceilingPeer, hakmemPeer } from "./hakmem.js";
import { libraryPeer } from "./library.js";
import { HAKMEM_NATIVE_PEER, NULL_NATIVE_PEER, SYSTEM_PEERS, TRAINED_NATIVE_PEER } from "./native.js";
import { NULL_PEER } from "./null.js";
import { labelOf, type Peer } from "./peer.js";

/** All peers, in the order of tables. Several may have one label, for different targets. */
export async function allPeers(): Promise<Peer[]> {
  const profiles = await loadShippedProfiles();
  return [
    ...FIXED_PEERS.filter(({ name }) => name === "null"),
    NULL_NATIVE_PEER,
    ...profiles.map((profile) => hakmemPeer({ name: "hakmem", profile })),
    ...profiles.filter(({ name }) => name === "default").map(ceilingPeer),
    ...profiles.map(({ name }) => libraryPeer(name)),
    HAKMEM_NATIVE_PEER,
    TRAINED_NATIVE_PEER,
    ...SYSTEM_PEERS,
    ...FIXED_PEERS.filter(({ name }) => name !== "null"),
  ];
}

/** Those of `peers` that the labels name, and the null allocators, which every comparison needs. */
export function selectPeers(peers: readonly Peer[], labels: readonly string[]): Peer[] {
  const known = [...new Set(peers.map(labelOf))];
  for (const label of labels) {
    if (!known.includes(canonical(label))) throw unknownName("peer", label, known);
  }
  const wanted = new Set([...labels.map(canonical), labelOf(NULL_PEER)]);
  return peers.filter((peer) => wanted.has(labelOf(peer)));
}

function canonical(label: string): string {
  return label === "hakmem:default" ? "hakmem" : label;
}
