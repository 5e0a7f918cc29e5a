import { describe, expect, it } from "vitest";
import { THIS_NODE } from "../../packages/tools/src/lab/node-versions.js";
import { NULL_PEER } from "../../packages/tools/src/lab/peers/null.js";
import type { Peer } from "../../packages/tools/src/lab/peers/peer.js";
import { TLSF_PEER } from "../../packages/tools/src/lab/peers/tlsf.js";
import { resultsOf } from "../../packages/tools/src/lab/results.js";
import { runSession, type Session, type SessionOptions } from "../../packages/tools/src/lab/session.js";
import { workloadById } from "../../packages/tools/src/lab/workloads.js";
import { CRASHING, EXHAUSTED, HANGING, OVERLAPPING, UNBUILDABLE } from "./support/broken-peers.js";

function session(peers: readonly Peer[], options: Partial<SessionOptions> = {}): Promise<Session> {
  return runSession({
    workloads: [workloadById("random-mixed/256")],
    peers: [NULL_PEER, ...peers],
    targets: ["wasm32"],
    threads: [1],
    nodes: [THIS_NODE],
    rounds: 2,
    runs: 1,
    quick: true,
    freshProcesses: false,
    timeline: false,
    ...options,
  });
}

const cellOf = ({ cells }: Session, name: string) => {
  const cell = cells.find(({ peer }) => peer.name === name);
  if (cell === undefined) throw new Error(`no cell of ${name}`);
  return cell;
};

describe("a session", () => {
  it("measures every peer in every round, with the same checksum", async () => {
    const done = await session([TLSF_PEER]);
    const [nothing, tlsf] = [cellOf(done, "null"), cellOf(done, "tlsf")];
    expect(done).toMatchObject({ rounds: 2, incomplete: false });
    expect(nothing.rounds).toHaveLength(2);
    expect(tlsf.rounds).toHaveLength(2);
    expect(tlsf.failure).toBeNull();
    expect(tlsf.checksum).toMatch(/^[0-9a-f]{16}$/);
    expect(tlsf.liveBytes).toBeGreaterThan(0);
    expect(tlsf.peakBytes).toBeGreaterThanOrEqual(tlsf.liveBytes ?? 0);
  });

  it.each([
    ["traps", CRASHING, /random_mixed_run: .*unreachable/],
    ["runs out of memory", EXHAUSTED, /malloc or realloc of \d+ bytes returned 0/],
    ["cannot be built", UNBUILDABLE, /cannot be built: no compiler here/],
  ])("reports a peer that %s, and measures the others", async (_, broken, message) => {
    const done = await session([broken, TLSF_PEER]);
    expect(cellOf(done, broken.name).failure).toMatch(message);
    expect(cellOf(done, "tlsf")).toMatchObject({ failure: null, rounds: { length: 2 } });
  });

  it("ends a peer that hangs, and measures the others", async () => {
    const done = await session([HANGING, TLSF_PEER], { timeoutMilliseconds: 3000 });
    expect(cellOf(done, "hanging").failure).toMatch(/no result after 3 s/);
    expect(cellOf(done, "tlsf")).toMatchObject({ failure: null, rounds: { length: 2 } });
  });

  it("reports a peer whose blocks overlap by its checksum", async () => {
    const done = await session([TLSF_PEER, OVERLAPPING]);
    expect(cellOf(done, "overlapping").failure).toMatch(/wrong checksum: [0-9a-f]{16}, others have [0-9a-f]{16}/);
    expect(cellOf(done, "tlsf").failure).toBeNull();
  });

  it("keeps the rounds it finished when it is interrupted, and says that it was", async () => {
    const controller = new AbortController();
    const done = await session([TLSF_PEER], {
      rounds: 1000,
      signal: controller.signal,
      onProgress: ({ doing }) => {
        if (doing.startsWith("round 3 of 1000") && doing.includes("tlsf")) controller.abort();
      },
    });
    expect(done).toMatchObject({ rounds: 2, incomplete: true });
    expect(done.cells.map(({ rounds }) => rounds.length)).toEqual([2, 2]);
    expect(done.cells.map(({ failure }) => failure)).toEqual([null, null]);
    expect(resultsOf(done, { baseline: "tlsf", widest: 0.1 })).toMatchObject({ incomplete: true, rounds: 2 });
  });

  it("records memory over time when asked to", async () => {
    const done = await session([TLSF_PEER], { rounds: 1, timeline: true });
    const { timeline } = cellOf(done, "tlsf");
    expect(timeline.length).toBeGreaterThan(10);
    for (const { committedBytes, liveBytes } of timeline) expect(committedBytes).toBeGreaterThanOrEqual(liveBytes);
  });

  it("replays a trace with the same checksum on every visit", async () => {
    const done = await session([TLSF_PEER], { workloads: [workloadById("trace/index")] });
    expect(cellOf(done, "tlsf")).toMatchObject({ failure: null, rounds: { length: 2 } });
  });
});

describe("ratios", () => {
  it("are refused, with the number of rounds that would do, when their interval is too wide", async () => {
    const done = await session([TLSF_PEER], { rounds: 1 });
    const [nothing, tlsf] = [cellOf(done, "null"), cellOf(done, "tlsf")];
    nothing.rounds.splice(0, 1, 8, 8, 8, 8, 8);
    const erratic = {
      ...tlsf,
      peer: { ...TLSF_PEER, name: "erratic" },
      rounds: [10, 30, 15, 60, 11],
      disturbed: new Set<number>(),
    };
    tlsf.rounds.splice(0, 1, 18, 18, 18, 18, 18);
    nothing.disturbed.clear();
    tlsf.disturbed.clear();
    const { results } = resultsOf({ ...done, cells: [nothing, tlsf, erratic] }, { baseline: "tlsf", widest: 0.1 });
    const ratio = results.find(({ peer }) => peer === "erratic")?.ratio;
    expect(ratio).toMatchObject({ baseline: "tlsf", value: null });
    expect(ratio?.roundsNeeded).toBeGreaterThan(5);
  });
});
