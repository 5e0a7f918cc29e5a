/**
 * Finds, in the measuring process, the peer that a request is about. That process starts often, so it loads no more than it needs:
 * nothing that reads profiles or builds.
 */

import { unknownName } from "../../base/errors.js";
import { FIXED_PEERS } from "../peers/fixed.js";
import { CEILING, hakmemHooks } from "../peers/hakmem.js";
import { libraryPeer } from "../peers/library.js";
import { labelOf, targetsOf, type ScriptPeer, type WasmHooks } from "../peers/peer.js";
import type { SampleRequest } from "./protocol.js";

export type Measurable = WasmHooks | ScriptPeer;

export function measurablePeer({ peer, target }: Pick<SampleRequest, "peer" | "target">): Measurable {
  const [name = peer, profile = "default"] = peer.split(":");
  if (name === "hakmem" || name === CEILING)
    return target === "js" ? libraryPeer(profile) : hakmemHooks(name === CEILING);
  const found = FIXED_PEERS.find((candidate) => labelOf(candidate) === peer && targetsOf(candidate).includes(target));
  if (found === undefined || found.kind === "external") {
    throw unknownName(`${target} peer`, peer, ["hakmem", CEILING, ...FIXED_PEERS.map(labelOf)]);
  }
  return found;
}
