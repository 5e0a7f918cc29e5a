import { describe, expect, it } from "vitest";
import { THIS_NODE } from "../../packages/tools/src/lab/node-versions.js";
import { hakmemPeer } from "../../packages/tools/src/lab/peers/hakmem.js";
import { NULL_PEER } from "../../packages/tools/src/lab/peers/null.js";
import { runSession } from "../../packages/tools/src/lab/session.js";
import { selectWorkloads } from "../../packages/tools/src/lab/workloads.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";

describe("workloads of several threads", () => {
  it("run on one heap of hakmem, with the same checksum on every visit", async () => {
    const hakmem = hakmemPeer({ name: "hakmem", profile: await loadProfile("default") });
    const { cells } = await runSession({
      // A fraction of what is timed otherwise: here only what comes out counts.
      workloads: selectWorkloads(["larson", "producer-consumer", "mixed-threads"]).map((workload) => ({
        ...workload,
        quickSteps: Math.ceil(workload.quickSteps / 32),
      })),
      peers: [NULL_PEER, hakmem],
      targets: ["wasm32-shared"],
      threads: [1, 2],
      nodes: [THIS_NODE],
      rounds: 2,
      runs: 1,
      quick: true,
      freshProcesses: false,
      timeline: false,
    });
    const measured = cells.filter(({ peer }) => peer === hakmem);
    expect(measured.map(({ workload, threads }) => `${workload.id} ${threads}`)).toEqual([
      "larson 1",
      "larson 2",
      "producer-consumer 2",
      "mixed-threads 1",
      "mixed-threads 2",
    ]);
    expect(measured.map(({ failure }) => failure)).toEqual([null, null, null, null, null]);
    for (const { checksum, rounds } of measured) {
      expect(rounds).toHaveLength(2);
      expect(checksum).not.toBe("0000000000000000");
    }
  });
});
