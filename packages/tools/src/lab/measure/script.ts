/** Measures random-mixed called from JavaScript. A process measures one peer only, so the loop is specialised to it. */

import type { ScriptHeap, ScriptPeer } from "../peers/peer.js";
import type { Workload } from "../workloads.js";
import type { Sample, SampleRequest } from "./protocol.js";
import { timeRuns } from "./timed-runs.js";
import { warmUp } from "./warm-up.js";

export async function measureScript(peer: ScriptPeer, workload: Workload, request: SampleRequest): Promise<Sample> {
  const mixed = new Mixed(await peer.open(workload.ringBytes), workload.params as unknown as MixedParams);
  // The same heap, emptied: a call site that has seen the functions of two heaps is compiled for any number of them, and a
  // program has one.
  await warmUp(request, () =>
    Promise.resolve((steps) => {
      mixed.run(steps);
    }),
  );
  mixed.reset();
  mixed.run(Math.ceil(request.steps / 2));
  let checksum = 0;
  const runs = timeRuns(request, (count) => {
    mixed.run(request.steps);
    if (count === 0) checksum = mixed.checksum;
  });
  const committed = mixed.heap.committedBytes();
  mixed.heap.close();
  return {
    ...runs,
    operations: request.steps,
    checksum: checksum.toString(16).padStart(8, "0"),
    peakBytes: committed,
    liveBytes: committed === null ? null : mixed.peak,
    timeline: [],
  };
}

interface MixedParams {
  readonly slots: number;
  readonly min: number;
  readonly max: number;
}

const SEED = 0x2545f491;

/**
 * The workload of `bench/workloads/random-mixed.ts`, with a 32-bit generator (xorshift, G. Marsaglia 2003). It is written out in the
 * loop that is timed: a library's, called for every step, would be a part of every figure.
 */
class Mixed {
  checksum = 0;
  peak = 0;
  private live = 0;
  private random = SEED;
  private readonly handles: unknown[];
  private readonly sizes: Uint32Array;

  constructor(
    readonly heap: ScriptHeap<unknown>,
    private readonly params: MixedParams,
  ) {
    this.handles = new Array<unknown>(params.slots).fill(undefined);
    this.sizes = new Uint32Array(params.slots);
  }

  /** Frees everything and starts the sequence anew. */
  reset(): void {
    for (const [slot, handle] of this.handles.entries()) {
      if (handle !== undefined) this.heap.release(handle);
      this.handles[slot] = undefined;
    }
    this.checksum = 0;
    this.peak = 0;
    this.live = 0;
    this.random = SEED;
  }

  run(steps: number): void {
    const { heap, handles, sizes } = this;
    const { slots, min, max } = this.params;
    const range = max - min + 1;
    let { random, checksum, live, peak } = this;
    for (let i = 0; i < steps; i++) {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      const slot = ((random >>> 16) * slots) >>> 16;
      const handle = handles[slot];
      if (handle !== undefined) {
        checksum = (Math.imul(checksum, 31) + heap.read(handle)) >>> 0;
        live -= sizes[slot] ?? 0;
        heap.release(handle);
        handles[slot] = undefined;
      } else {
        const size = min + (((random & 0xffff) * range) >>> 16);
        const fresh = heap.allocate(size);
        heap.write(fresh, size & 0xff);
        handles[slot] = fresh;
        sizes[slot] = size;
        live += size;
        if (live > peak) peak = live;
      }
    }
    this.random = random;
    this.checksum = checksum;
    this.live = live;
    this.peak = peak;
  }
}
