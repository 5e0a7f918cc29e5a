/** What `hakmem start` does. */

import { RequestError } from "../../base/errors.js";
import { THIS_NODE } from "../../lab/node-versions.js";
import { allPeers, selectPeers } from "../../lab/peers/index.js";
import { withProgress } from "../../lab/progress.js";
import { DEFAULT_WIDEST } from "../../lab/defaults.js";
import { resultsOf } from "../../lab/results.js";
import { runSession } from "../../lab/session.js";
import { formatResults } from "../../lab/table.js";
import { selectWorkloads } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../base/scratch.js";
import { exitCodeOf } from "../exit-code.js";
import type { CommonOptions } from "../command.js";

export interface StartOptions extends CommonOptions {
  readonly json: boolean;
}

const WORKLOADS = ["random-mixed/400", "js-random-mixed"];
const PEERS = ["hakmem", "tlsf", "thi.ng", "buffer"];
const ROUNDS = 7;

export async function start({ json, quiet }: StartOptions): Promise<void> {
  const chosen = selectPeers(await allPeers(), PEERS);
  const missing = await Promise.all(chosen.map((peer) => peer.missing()));
  const session = await withProgress({ quiet }, (onProgress) =>
    runSession({
      workloads: selectWorkloads(WORKLOADS),
      peers: chosen.filter((_, index) => missing[index] === undefined),
      targets: ["wasm32", "js"],
      threads: [1],
      nodes: [THIS_NODE],
      rounds: ROUNDS,
      runs: 7,
      quick: false,
      freshProcesses: false,
      timeline: false,
      signal: abortOnInterrupt(),
      onProgress,
    }),
  );
  if (session.cells.length === 0) throw new RequestError("no peer could be measured");
  const results = resultsOf(session, { baseline: "hakmem", widest: DEFAULT_WIDEST });
  console.log(json ? JSON.stringify(results, null, 2) : formatResults(results));
  process.exitCode = exitCodeOf(results);
}
