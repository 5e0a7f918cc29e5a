/** A tuning as text. */

import { alignColumns } from "../base/columns.js";
import { change } from "./judge.js";
import type { Prewarm } from "./prewarm.js";
import type { Step } from "./search.js";
import type { TimeRatio } from "./timing.js";
import type { Part, Tuning } from "./tune.js";

export function formatTuning(tuning: Tuning): string {
  const { host, target, node, rounds, steps, training, heldOut, prewarm, halved, baseline, reason } = tuning;
  const head = `${host.cpu}, ${host.cores} cores, ${host.os}; ${target}, Node ${node}`;
  const parts = [head, formatSteps(steps, baseline)];
  if (training !== null) parts.push(formatPart("training", training, baseline, rounds));
  if (heldOut !== null)
    parts.push(formatPart(halved ? "held out, the other half of the blocks" : "held out", heldOut, baseline, rounds));
  if (prewarm !== null) parts.push(formatPrewarm(prewarm));
  parts.push(heldOut === null ? reason : `On what was held out ${reason}.`);
  return parts.join("\n\n");
}

/** Of each setting the best value that was tried. */
function formatSteps(steps: readonly Step[], baseline: string): string {
  const header = ["setting", "tried", "memory", "time", "best value"];
  const rows = steps.map(({ dimension, tried, taken }) => {
    const [best] = tried;
    if (best === undefined) return [dimension, "0", "", "", "nothing to try"];
    const verdict = taken === null ? `${best.label}: does not pay` : `${taken}: taken`;
    return [dimension, String(tried.length), change(best.memory), formatTime(best.time), verdict];
  });
  const failed = steps.flatMap((step) => step.failed.map((each) => `\n  FAILED: ${each}`));
  return `search, compared with ${baseline}\n${alignColumns([header, ...rows])}${failed.join("")}`;
}

function formatPart(title: string, { each, memory, time }: Part, baseline: string, rounds: number): string {
  const header = ["recording", "events", "asked for", baseline, "tuned", "memory", "time", ""];
  const rows = each.map((one) => [
    one.recording,
    String(one.events),
    mebibytes(one.askedBytes),
    mebibytes(one.beforeBytes),
    mebibytes(one.afterBytes),
    change(one.memory),
    formatTime(one.time),
    "",
  ]);
  const all = ["all", "", "", "", "", change(memory), formatTime(time), ""];
  return `${title}, ${rounds} interleaved rounds\n${alignColumns([header, ...rows, ...(each.length > 1 ? [all] : [])])}`;
}

function formatPrewarm({ calls, after, whole, memory, pays }: Prewarm): string {
  const written = calls.map(({ size, count }) => `prewarm(${size}, ${count})`).join(", ");
  const figures = `calls afterwards ${formatTime(after)}, with those in advance ${formatTime(whole)}, memory ${change(memory)}`;
  return pays
    ? `blocks in advance pay: ${written}: ${figures}`
    : `blocks in advance do not pay: ${written}: ${figures}`;
}

function formatTime(time: TimeRatio): string {
  return time === null ? "-" : `${change(time.value)} (${change(time.low)} to ${change(time.high)})`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}
