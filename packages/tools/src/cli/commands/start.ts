/** `hakmem start`, which `npm start` runs: the main job on real input, in half a minute. */

import { RequestError } from "../../lab/errors.js";
import { THIS_NODE } from "../../lab/node-versions.js";
import { allPeers, selectPeers } from "../../lab/peers/index.js";
import { ProgressLine } from "../../lab/progress.js";
import { DEFAULT_WIDEST, resultsOf } from "../../lab/results.js";
import { runSession } from "../../lab/session.js";
import { formatResults } from "../../lab/table.js";
import { selectWorkloads } from "../../lab/workloads.js";
import { abortOnInterrupt } from "../../build/scratch.js";
import { exitCodeOf, type Register } from "../command.js";

interface StartOptions {
  readonly json: boolean;
}

const WORKLOADS = ["random-mixed/400", "js-random-mixed"];
const PEERS = ["hakmem", "tlsf", "thi.ng", "buffer"];
const ROUNDS = 7;

export const registerStart: Register = (program) => {
  program
    .command("start")
    .description("random mixed, in WebAssembly and from JavaScript, against other allocators")
    .option("--json", "print the results as JSON", false)
    .addHelpText("after", "\nExit code: 0 done, 1 a peer failed, 2 wrong arguments, 130 interrupted.")
    .action(start);
};

async function start({ json }: StartOptions): Promise<void> {
  const progress = new ProgressLine();
  const chosen = selectPeers(await allPeers(), PEERS);
  const missing = await Promise.all(chosen.map((peer) => peer.missing()));
  const session = await runSession({
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
    onProgress: (state) => {
      progress.show(state);
    },
  });
  progress.clear();
  if (session.cells.length === 0) throw new RequestError("no peer could be measured");
  const results = resultsOf(session, { baseline: "hakmem", widest: DEFAULT_WIDEST });
  console.log(json ? JSON.stringify(results, null, 2) : formatResults(results));
  process.exitCode = exitCodeOf(results);
}
