/** Results as text. */

import { alignColumns } from "../base/columns.js";
import { groupBy } from "./group-by.js";
import { CEILING } from "./peers/hakmem.js";
import { labelOf } from "./peers/peer.js";
import type { Ratio, Result, Results } from "./results.js";

/** A table for each workload, target, number of threads and version of Node. */
export function formatResults({ results, rounds, incomplete, host }: Results): string {
  const groups = groupBy(results, headingOf);
  const head = `${host.cpu}, ${host.cores} cores, ${host.os}; ${rounds} interleaved rounds${incomplete ? ", INCOMPLETE" : ""}`;
  return [head, ...[...groups].map(([heading, group]) => `${heading}\n${formatGroup(group)}`)].join("\n\n") + "\n";
}

/** `random-mixed slots=400 min=16 max=1024 · wasm32 · Node 24.9.0`. */
export function headingOf({ workload, params, target, node, threads }: Result): string {
  const words = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  const count = threads > 1 ? ` · ${threads} threads` : "";
  return `${[workload, ...words].join(" ")} · ${target} · Node ${node}${count}`;
}

function formatGroup(group: readonly Result[]): string {
  const baseline = group.find(({ ratio }) => ratio !== null)?.ratio?.baseline;
  const header = [
    "peer",
    "M ops/s",
    "ns/op",
    "net ns/op",
    baseline === undefined ? "" : `${baseline} is`,
    "peak",
    "peak/live",
    "",
  ];
  return alignColumns([header, ...group.map(rowOf)]) + formatCeiling(group);
}

/** What the structure costs and what safety adds to it (S16); empty where the ceiling was not measured. */
function formatCeiling(group: readonly Result[]): string {
  const net = (name: string): number | null =>
    group.find(({ peer, profile }) => peer === name && profile === "default")?.netNsPerOp ?? null;
  const [ceiling, real] = [net(CEILING), net("hakmem")];
  if (ceiling === null || real === null) return "";
  return `\n  structure costs ${ceiling.toFixed(2)} ns/op, safety and accounting cost ${(real - ceiling).toFixed(2)} ns/op`;
}

function rowOf(result: Result): string[] {
  const { opsPerSecond, nsPerOp, netNsPerOp, spread, peakBytes, liveBytes } = result;
  return [
    labelOf({ name: result.peer, profile: result.profile }),
    opsPerSecond === null ? "-" : (opsPerSecond / 1e6).toFixed(1),
    nsPerOp === null ? "-" : `${nsPerOp.toFixed(2)} ±${percent(spread ?? 0)}`,
    netNsPerOp === null ? "-" : netNsPerOp.toFixed(2),
    formatRatio(result.ratio),
    peakBytes === null ? "-" : mebibytes(peakBytes),
    peakBytes === null || !liveBytes || liveBytes < 0 ? "-" : (peakBytes / liveBytes).toFixed(2),
    remarkOf(result),
  ];
}

function remarkOf({ failure, disturbed, rounds }: Result): string {
  if (failure !== null) return `FAILED: ${failure}`;
  return 2 * disturbed > rounds ? `machine busy in ${disturbed} of ${rounds} rounds` : "";
}

export function formatRatio(ratio: Ratio | null): string {
  if (ratio === null) return "";
  if (ratio.value !== null) return `× ${ratio.value.toFixed(2)}`;
  return ratio.roundsNeeded === null ? "no net cost" : `needs ${ratio.roundsNeeded} rounds`;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}
