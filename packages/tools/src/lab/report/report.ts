/** One self-contained page about a run: charts, then every figure as a table. It needs no network and no script. */

import { labelOf } from "../peers/peer.js";
import type { Result, Results } from "../results.js";
import { formatRatio, headingOf } from "../table.js";
import { groupBy } from "../group-by.js";
import { memoryChart, netChart, scalingChart, type Scheme } from "./charts.js";

export async function renderReport(results: Results): Promise<string> {
  const { host, rounds, incomplete, confidence } = results;
  const measured = results.results.filter(({ peer }) => peer !== "null");
  const sections = [
    await section(
      "Cost of an operation",
      `Net of the null allocator: shorter is better. A line shows the ${100 * confidence} % interval.`,
      measured.filter(({ netNsPerOp, threads }) => netNsPerOp !== null && threads === 1),
      netChart,
    ),
    await section(
      "Scaling with threads",
      "All threads together, on one heap: higher is better.",
      results.results.filter(isThreaded),
      scalingChart,
    ),
    await section(
      "Memory over a run",
      "What each heap has taken from its memory, and the bytes in live blocks: lower is better.",
      measured.filter(({ timeline }) => timeline.length > 0),
      memoryChart,
    ),
  ];
  const nodes = [...new Set(results.results.map(({ node }) => node))].join(", ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>hakmem bench</title>
<style>${STYLE}</style>
</head>
<body>
<h1>hakmem bench</h1>
<p>${escape(`${host.cpu}, ${host.cores} cores, ${host.os}, Node ${nodes}; ${rounds} interleaved rounds, ${host.time}.`)}</p>
${incomplete ? '<p class="warning">The run was interrupted: only finished rounds are shown.</p>' : ""}
${sections.join("\n")}
<h2>All figures</h2>
${[...groupBy(results.results, headingOf)].map(([heading, group]) => tableOf(heading, group)).join("\n")}
</body>
</html>
`;
}

/** Workloads that were measured with several threads. */
function isThreaded({ workload }: Result, _: number, all: readonly Result[]): boolean {
  return all.some((other) => other.workload === workload && other.threads > 1);
}

type Chart = (results: readonly Result[], scheme: Scheme) => Promise<string>;

async function section(title: string, note: string, results: readonly Result[], chart: Chart): Promise<string> {
  if (results.length === 0) return "";
  const [light, dark] = await Promise.all([chart(results, "light"), chart(results, "dark")]);
  return `<h2>${escape(title)}</h2>
<p>${escape(note)}</p>
<figure class="light" role="img" aria-label="${escape(title)}">${light}</figure>
<figure class="dark" role="img" aria-label="${escape(title)}">${dark}</figure>`;
}

function tableOf(heading: string, group: readonly Result[]): string {
  const baseline = group.find(({ ratio }) => ratio !== null)?.ratio?.baseline;
  const head = [
    "peer",
    "M ops/s",
    "ns/op",
    "net ns/op",
    baseline === undefined ? "" : `${baseline} is`,
    "peak MiB",
    "live MiB",
    "",
  ];
  return `<h3>${escape(heading)}</h3>
<table>
<thead><tr>${head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join("")}</tr></thead>
<tbody>${group.map(rowOf).join("")}</tbody>
</table>`;
}

function rowOf(result: Result): string {
  const { opsPerSecond, nsPerOp, netNsPerOp, spread, peakBytes, liveBytes, ratio, failure } = result;
  const cells = [
    decimal(opsPerSecond, 1e6, 1),
    nsPerOp === null ? "" : `${nsPerOp.toFixed(2)} ±${(100 * (spread ?? 0)).toFixed(1)} %`,
    decimal(netNsPerOp, 1, 2),
    formatRatio(ratio),
    decimal(peakBytes, 2 ** 20, 2),
    decimal(liveBytes, 2 ** 20, 2),
    failure ?? "",
  ];
  const label = labelOf({ name: result.peer, profile: result.profile });
  return `<tr><th scope="row">${escape(label)}</th>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
}

function decimal(value: number | null, unit: number, digits: number): string {
  return value === null ? "" : (value / unit).toFixed(digits);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const STYLE = `
:root { color-scheme: light dark; --text: #24292f; --page: #ffffff; --line: #d8dee4; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
figure { margin: 0; overflow-x: auto; } .dark { display: none; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { font-weight: 600; } th:first-child { text-align: left; }
.warning { border-left: 4px solid #d55e00; padding-left: .8rem; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --line: #30363d; }
  .light { display: none; } .dark { display: block; }
}`;
