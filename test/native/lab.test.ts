/** The lab's workloads as native programs. */

import { expect, it } from "vitest";
import { availableParallelism } from "node:os";
import type { SampleRequest } from "../../packages/tools/src/lab/measure/protocol.js";
import { HAKMEM_NATIVE_PEER, NULL_NATIVE_PEER, SYSTEM_PEERS } from "../../packages/tools/src/lab/peers/native.js";
import { WORKLOADS } from "../../packages/tools/src/lab/workloads.js";

const GLIBC = SYSTEM_PEERS.find(({ name }) => name === "glibc");

function request(workload: string, threads: number, steps: number): SampleRequest {
  return {
    workload,
    peer: "hakmem",
    target: "native",
    threads,
    module: null,
    steps,
    runs: 2,
    mostRuns: 2,
    calibration: null,
    warmupMilliseconds: 0,
    timelinePoints: 0,
  };
}

const single = WORKLOADS.filter(({ driver }) => driver === "single");
const threaded = WORKLOADS.filter(({ driver, threads }) => driver === "threads" && threads(2));

it.each(single.map(({ id, quickSteps }) => [id, quickSteps] as const))(
  "%s reads back the same over hakmem and the C library",
  async (id, steps) => {
    const some = request(id, 1, Math.max(1, Math.floor(steps / 8)));
    const [ours, theirs] = [await HAKMEM_NATIVE_PEER.measure(some), await GLIBC?.measure(some)];
    expect(ours).toMatchObject({
      operations: theirs?.operations,
      checksum: theirs?.checksum,
      liveBytes: theirs?.liveBytes,
    });
    expect(ours.nanoseconds).toHaveLength(some.runs);
    expect(ours.peakBytes).toBeGreaterThan(0);
  },
);

// Threads that outnumber the cores would spin for each other.
it.skipIf(availableParallelism() < 2).each(threaded.map(({ id }) => id))("%s runs in two threads", async (id) => {
  const steps = 16_384 * 2;
  const ours = await HAKMEM_NATIVE_PEER.measure(request(id, 2, steps));
  expect(ours.operations).toBeGreaterThanOrEqual(steps);
});

it("the null allocator runs every workload, and its figures of memory are none", async () => {
  for (const { id, quickSteps } of single) {
    const sample = await NULL_NATIVE_PEER.measure(request(id, 1, Math.max(1, Math.floor(quickSteps / 8))));
    expect(sample).toMatchObject({ peakBytes: null, liveBytes: null });
  }
});
