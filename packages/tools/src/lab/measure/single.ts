/** Measures a workload of one thread, in this thread. */

import type { WasmHooks } from "../peers/peer.js";
import type { Workload } from "../workloads.js";
import { committedBytes, createMemory, DriverInstance } from "./instance.js";
import type { MemoryPoint, Sample, SampleRequest } from "./protocol.js";
import { timeRuns } from "./timed-runs.js";
import { warmUp } from "./warm-up.js";

interface Heap {
  readonly memory: WebAssembly.Memory;
  readonly driver: DriverInstance;
}

export async function measureSingle(
  module: WebAssembly.Module,
  peer: WasmHooks,
  workload: Workload,
  request: SampleRequest,
): Promise<Sample> {
  const shared = request.target === "wasm32-shared";
  const open = async (): Promise<Heap> => {
    const memory = createMemory(peer, workload, 1, shared);
    return { memory, driver: await DriverInstance.open(module, memory, peer, workload) };
  };

  await warmUp(request, async () => {
    const { driver } = await open();
    return (steps) => driver.run(steps);
  });

  const { memory, driver } = await open();
  // Reach the steady state first: slots taken, memory touched, caches filled.
  driver.run(Math.ceil(request.steps / 2));
  let operations = 0;
  let checksum = 0n;
  const runs = timeRuns(request, (count) => {
    operations = driver.run(request.steps);
    // How often it runs depends on the machine; what a checksum covers must not.
    if (count === 0) checksum = driver.checksum();
  });
  return {
    ...runs,
    operations,
    checksum: checksum.toString(16).padStart(16, "0"),
    peakBytes: peer.keepsContents ? committedBytes(memory) : null,
    liveBytes: peer.keepsContents ? driver.peakLiveBytes() : null,
    timeline: request.timelinePoints > 0 ? await recordTimeline(open, request) : [],
  };
}

async function recordTimeline(
  open: () => Promise<Heap>,
  { steps, timelinePoints }: SampleRequest,
): Promise<MemoryPoint[]> {
  const { memory, driver } = await open();
  const chunk = Math.max(1, Math.floor(steps / timelinePoints));
  const points: MemoryPoint[] = [];
  let operations = 0;
  for (let done = 0; done < steps; done += chunk) {
    operations += driver.run(chunk);
    points.push({ operations, committedBytes: committedBytes(memory), liveBytes: driver.liveBytes() });
  }
  return points;
}
