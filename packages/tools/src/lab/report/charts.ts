/** Charts as SVG text, drawn by vega-lite. Each is drawn for a light and a dark page. */

import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Result } from "../results.js";
import { labelOf } from "../peers/peer.js";

export type Scheme = "light" | "dark";

const INK: Readonly<Record<Scheme, { text: string; grid: string }>> = {
  light: { text: "#24292f", grid: "#d8dee4" },
  dark: { text: "#e6edf3", grid: "#30363d" },
};

/** Told apart by people with any kind of colour vision (Okabe and Ito, 2008), and on either background. */
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#a6761d"];

const FONT = "system-ui, sans-serif";
/** The line of what is live, beside those of the peers. */
const LIVE = "live";

const MEBIBYTE = 2 ** 20;

type Row = Readonly<Record<string, string | number>>;

/** Net ns/op of every peer, a group of bars a workload. */
export function netChart(results: readonly Result[], scheme: Scheme): Promise<string> {
  const values = results.flatMap((result) =>
    result.netNsPerOp === null
      ? []
      : [
          {
            workload: variantOf(result),
            peer: peerOf(result),
            net: Math.max(0, result.netNsPerOp),
            low: Math.max(0, result.netInterval?.[0] ?? result.netNsPerOp),
            high: Math.max(0, result.netInterval?.[1] ?? result.netNsPerOp),
          },
        ],
  );
  const workloads = new Set(values.map(({ workload }) => workload));
  const y = { field: "peer", type: "nominal", axis: null, sort: orderOf(values, "peer") } as const;
  return draw(
    {
      data: { values },
      facet: {
        field: "workload",
        type: "nominal",
        sort: [...workloads],
        title: null,
        header: { labelFontSize: 12, labelFontWeight: "bold", labelAnchor: "start" },
      },
      columns: 3,
      resolve: { scale: { x: "independent" } },
      spec: {
        width: 250,
        height: { step: 16 },
        layer: [
          {
            mark: { type: "bar", tooltip: true },
            encoding: {
              x: { field: "net", type: "quantitative", title: "net ns/op" },
              y,
              color: colorOf(values, "peer"),
            },
          },
          {
            mark: { type: "rule", strokeWidth: 1.5, color: INK[scheme].text },
            encoding: { x: { field: "low", type: "quantitative" }, x2: { field: "high" }, y },
          },
        ],
      },
    },
    scheme,
  );
}

/** Throughput over the number of threads, a line a peer. */
export function scalingChart(results: readonly Result[], scheme: Scheme): Promise<string> {
  const values = results.flatMap((result) =>
    result.opsPerSecond === null
      ? []
      : [
          {
            workload: variantOf(result),
            peer: peerOf(result),
            threads: result.threads,
            rate: result.opsPerSecond / 1e6,
          },
        ],
  );
  return draw(
    {
      data: { values },
      facet: {
        field: "workload",
        type: "nominal",
        title: null,
        header: { labelFontSize: 12, labelAnchor: "start" },
      },
      columns: 3,
      resolve: { scale: { y: "independent" } },
      spec: {
        width: 250,
        height: 180,
        mark: { type: "line", point: true },
        encoding: {
          x: { field: "threads", type: "ordinal", title: "threads", axis: { labelAngle: 0 } },
          y: { field: "rate", type: "quantitative", title: "M ops/s, all threads", scale: { zero: true } },
          color: colorOf(values, "peer"),
        },
      },
    },
    scheme,
  );
}

/** Committed memory of every peer, and what is live, over the operations of a run. */
export function memoryChart(results: readonly Result[], scheme: Scheme): Promise<string> {
  const values: Row[] = [];
  const live: Row[] = [];
  const workloadsWithLive = new Set<string>();
  for (const result of results) {
    const workload = variantOf(result);
    for (const { operations, committedBytes, liveBytes } of result.timeline) {
      values.push({ workload, peer: peerOf(result), operations, memory: committedBytes / MEBIBYTE });
      if (!workloadsWithLive.has(workload))
        live.push({ workload, peer: LIVE, operations, memory: liveBytes / MEBIBYTE });
    }
    if (result.timeline.length > 0) workloadsWithLive.add(workload);
  }
  // Last, so that peers have the colours that they have in the other charts.
  values.push(...live);
  return draw(
    {
      data: { values },
      facet: {
        field: "workload",
        type: "nominal",
        sort: [...workloadsWithLive],
        title: null,
        header: { labelFontSize: 12, labelAnchor: "start" },
      },
      columns: 3,
      resolve: { scale: { x: "independent", y: "independent" } },
      spec: {
        width: 250,
        height: 160,
        mark: { type: "line", interpolate: "step-after", strokeWidth: 1.5 },
        encoding: {
          x: { field: "operations", type: "quantitative", title: "operations", axis: { format: "~s", tickCount: 4 } },
          y: { field: "memory", type: "quantitative", title: "MiB" },
          color: colorOf(values, "peer"),
          strokeDash: { condition: { test: `datum.peer === '${LIVE}'`, value: [4, 3] }, value: [1, 0] },
        },
      },
    },
    scheme,
  );
}

/** `random-mixed slots=400`: short enough for a heading, long enough to tell variants apart. */
function variantOf({ workload, params, target }: Result): string {
  const words = Object.entries(params)
    .filter(([name]) => !["min", "max", "blocks", "buffers", "bytes", "queue"].includes(name))
    .map(([name, value]) => (name === "trace" ? value : `${name}=${value}`));
  return [workload, ...words, ...(target === "wasm32" ? [] : [`(${target})`])].join(" ");
}

function peerOf(result: Result): string {
  return labelOf({ name: result.peer, profile: result.profile });
}

/** A peer has one colour in a chart, whatever it is compared with. */
function colorOf(values: readonly Row[], field: string) {
  return {
    field,
    type: "nominal",
    sort: orderOf(values, field),
    scale: { domain: orderOf(values, field), range: PALETTE },
    legend: { title: null, orient: "top", columns: 8 },
  } as const;
}

function orderOf(values: readonly Row[], field: string): string[] {
  return [...new Set(values.map((row) => String(row[field])))];
}

async function draw(spec: TopLevelSpec, scheme: Scheme): Promise<string> {
  const { text, grid } = INK[scheme];
  const themed = {
    ...spec,
    background: "transparent",
    config: {
      font: FONT,
      view: { stroke: null },
      axis: {
        labelColor: text,
        titleColor: text,
        gridColor: grid,
        domainColor: grid,
        tickColor: grid,
        titleFontWeight: "normal",
      },
      header: { labelColor: text },
      legend: { labelColor: text },
    },
  } as TopLevelSpec;
  const view = new vega.View(vega.parse(compile(themed).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
