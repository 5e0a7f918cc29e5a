/** The peers that need no profile and are measured by the lab's own process, in the order of tables. */

import { DLMALLOC_PEER, EMMALLOC_PEER } from "./emscripten.js";
import { NULL_PEER, NULL_SCRIPT_PEER } from "./null.js";
import type { Peer } from "./peer.js";
import { BUFFER_PEER, SHAREDARRAYBUFFER_PEER, THI_NG_PEER, UINT8ARRAY_PEER } from "./script.js";
import { TLSF_PEER } from "./tlsf.js";

export const FIXED_PEERS: readonly Peer[] = [
  NULL_PEER,
  NULL_SCRIPT_PEER,
  TLSF_PEER,
  EMMALLOC_PEER,
  DLMALLOC_PEER,
  THI_NG_PEER,
  BUFFER_PEER,
  UINT8ARRAY_PEER,
  SHAREDARRAYBUFFER_PEER,
];
