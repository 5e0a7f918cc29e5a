/** Finds, in the measuring process, the peer that a request is about. */

import { unknownName } from "../errors.js";
import { allPeers } from "../peers/index.js";
import { labelOf, targetsOf, type ScriptPeer, type WasmPeer } from "../peers/peer.js";
import type { SampleRequest } from "./protocol.js";

const known = allPeers();

export async function measurablePeer({
  peer,
  target,
}: Pick<SampleRequest, "peer" | "target">): Promise<WasmPeer | ScriptPeer> {
  const peers = await known;
  const found = peers.find((candidate) => labelOf(candidate) === peer && targetsOf(candidate).includes(target));
  if (found === undefined || found.kind === "external") throw unknownName(`${target} peer`, peer, peers.map(labelOf));
  return found;
}
