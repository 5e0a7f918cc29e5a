/** The tables of the documentation, from the runs that are on record: no figure stands in two of them that are not of one run. */

import * as path from "node:path";
import { markdownTable } from "markdown-table";
import { ExplainedError } from "../../base/errors.js";
import { ROOT } from "../../base/paths.js";
import { labelOf } from "../../lab/peers/peer.js";
import { WORKLOADS } from "../../lab/workloads.js";
import type { ProgramRuns } from "./program-runs.js";
import { programTable, wasmProgramTable } from "./program-tables.js";
import type { Run, Runs } from "./runs.js";

type Row = Run["results"][number];

const NULL_PEER = "null";
const A_TENTH_MORE = 1.1;

/** Parts of pages, by the paths of the pages from the repository's root. */
export function pagesOf(runs: Runs, programs: ProgramRuns): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    [path.join(ROOT, "README.md")]: { "what it costs": overview(runs) },
    [path.join(ROOT, "docs", "benchmarks.md")]: {
      "in WebAssembly": timeTable(runs.wasm),
      memory: memoryTable(runs.wasm),
      "threads, JavaScript, Node 24": otherTable(runs),
      "what falls short": shortfalls(runs.wasm),
      "whole programs": programTable(programs),
      "whole programs in WebAssembly": wasmProgramTable(programs["programs-wasm"]),
    },
    [path.join(ROOT, "docs", "native.md")]: { native: nativeTable(runs) },
  };
}

/** Where and how a run was made. */
function describe({ host, command, rounds }: Run): string {
  const day = host.time.slice(0, 10);
  return `${host.cpu}, ${host.cores} cores, ${host.os}, ${day}; \`${command}\`, medians of ${rounds} interleaved rounds.`;
}

function idOf({ workload, params, target }: Row): string {
  const found = WORKLOADS.find(
    (each) =>
      each.family === workload &&
      JSON.stringify(each.params) === JSON.stringify(params) &&
      (each.driver === "script") === (target === "js"),
  );
  return found?.id ?? workload;
}

interface Wanted {
  readonly id?: string;
  readonly peer: string;
  readonly threads?: number;
  readonly node?: string;
}

function select({ results }: Run, { id, peer, threads, node }: Wanted): Row | undefined {
  return results.find(
    (row) =>
      (id === undefined || idOf(row) === id) &&
      labelOf({ name: row.peer, profile: row.profile }) === peer &&
      (threads === undefined || row.threads === threads) &&
      (node === undefined || row.node.startsWith(`${node}.`)),
  );
}

/** What a run has of a peer. It stands in a table, so it must be there. */
function rowOf(run: Run, wanted: Wanted): Row {
  const row = select(run, wanted);
  if (row === undefined || row.failure !== null)
    throw new ExplainedError(`the record of "${run.command}" has no figure for ${JSON.stringify(wanted)}`);
  return row;
}

const idsOf = (run: Run): string[] => [...new Set(run.results.map(idOf))];
const peersOf = (run: Run): string[] =>
  [...new Set(run.results.map((row) => labelOf({ name: row.peer, profile: row.profile })))].filter(
    (peer) => peer !== NULL_PEER,
  );

/** Three digits: more would be noise. */
function digits(value: number | null): string {
  if (value === null) return "–";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

const short = (value: number | null): string => {
  if (value === null) return "–";
  return Math.abs(value) >= 9.95 ? value.toFixed(0) : value.toPrecision(2).replace(/\.0$/, "");
};
const net = (run: Run, wanted: Wanted): string => digits(rowOf(run, wanted).netNsPerOp);
const mebibytes = (bytes: number | null): string =>
  bytes !== null && bytes < 2 ** 20 / 100 ? "< 0.01" : digits(bytes === null ? null : bytes / 2 ** 20);
const speed = (run: Run, wanted: Wanted): string => ((rowOf(run, wanted).opsPerSecond ?? Number.NaN) / 1e6).toFixed(0);

/** The first column is words, and with `words` the last one; the others are figures. */
function markdown(rows: readonly (readonly string[])[], words = false): string {
  const last = (rows[0]?.length ?? 0) - 1;
  return markdownTable(rows, {
    align: rows[0]?.map((_, column) => (column === 0 || (words && column === last) ? "l" : "r")),
  });
}

/** The net of each other peer, or of those among `peers`, the fastest first. */
function others(
  run: Run,
  wanted: Omit<Wanted, "peer">,
  names: Readonly<Record<string, string>> = {},
  peers: readonly string[] = peersOf(run).filter((peer) => !peer.startsWith("hakmem")),
): string {
  return peers
    .flatMap((peer) => select(run, { ...wanted, peer }) ?? [])
    .filter(({ netNsPerOp }) => netNsPerOp !== null)
    .sort((a, b) => (a.netNsPerOp ?? 0) - (b.netNsPerOp ?? 0))
    .map(({ peer, netNsPerOp }) => `${names[peer] ?? peer} ${short(netNsPerOp)}`)
    .join(", ");
}

const NAMES = { tlsf: "AssemblyScript's TLSF", buffer: "`Buffer.allocUnsafe`", "thi.ng": "`@thi.ng/malloc`" };

function overview(runs: Runs): string {
  const id = "random-mixed/400";
  const js = "js-random-mixed/400";
  const own = (run: Run, wanted: Omit<Wanted, "peer">): string =>
    short(rowOf(run, { ...wanted, peer: "hakmem" }).netNsPerOp);
  const two = (peer: string): string => speed(runs["wasm-threads"], { id: "mixed-threads", peer, threads: 2 });
  const one = (peer: string): string => speed(runs["wasm-threads"], { id: "mixed-threads", peer, threads: 1 });
  const rows = [
    ["in WebAssembly, Node 20", own(runs.wasm, { id }), others(runs.wasm, { id }, NAMES)],
    ["in WebAssembly, Node 24", own(runs["wasm-node24"], { id }), others(runs["wasm-node24"], { id }, NAMES)],
    [
      "called from JavaScript, Node 20",
      own(runs.javascript, { id: js, node: "20" }),
      others(runs.javascript, { id: js, node: "20" }, NAMES, ["buffer", "thi.ng"]),
    ],
    ["native under `LD_PRELOAD`", own(runs.native, { id }), others(runs.native, { id })],
    [
      `WebAssembly, two workers, M ops/s (one: ${one("hakmem")})`,
      two("hakmem"),
      ["emmalloc", "dlmalloc"].map((peer) => `${peer} ${two(peer)} (one: ${one(peer)})`).join(", "),
    ],
  ];
  const { host } = runs.wasm;
  return [
    `Net nanoseconds an operation (a malloc or a free), that is, less the same driver over an allocator that does nothing; ${host.cpu}, ` +
      `${host.cores} cores that were shared, medians of interleaved rounds. In WebAssembly every allocator is merged with the driver into one module, and the whole optimised. [docs/benchmarks.md](docs/benchmarks.md) has the method, all workloads, ` +
      "and where hakmem is not the best.",
    markdown([["random sizes, 400 slots, 16–1024 B", "hakmem", "others"], ...rows], true),
  ].join("\n\n");
}

function timeTable(run: Run): string {
  const peers = peersOf(run);
  const rows = idsOf(run).map((id) => [
    `\`${id}\``,
    digits(rowOf(run, { id, peer: NULL_PEER }).nsPerOp),
    ...peers.map((peer) => net(run, { id, peer })),
  ]);
  return `${describe(run)}\n\n${markdown([["workload", NULL_PEER, ...peers], ...rows])}`;
}

function memoryTable(run: Run): string {
  const peers = peersOf(run);
  const rows = idsOf(run).map((id) => [
    `\`${id}\``,
    mebibytes(rowOf(run, { id, peer: "hakmem" }).liveBytes),
    ...peers.map((peer) => mebibytes(rowOf(run, { id, peer }).peakBytes)),
  ]);
  return markdown([["workload", "live", ...peers], ...rows]);
}

function otherTable(runs: Runs): string {
  const js = runs.javascript;
  const threads = runs["wasm-threads"];
  const node24 = runs["wasm-node24"];
  const locked = peersOf(threads).filter((peer) => peer !== "hakmem");
  const scaling = (peer: string): string =>
    `${speed(threads, { id: "mixed-threads", peer, threads: 1 })} → ${speed(threads, { id: "mixed-threads", peer, threads: 2 })}`;
  const two = (id: string): string[] => [
    `\`${id}\`, two threads, M ops/s`,
    speed(threads, { id, peer: "hakmem", threads: 2 }),
    locked.map((peer) => `${peer} ${speed(threads, { id, peer, threads: 2 })}`).join(", "),
  ];
  const rows = [
    ...idsOf(node24).map((id) => [`\`${id}\`, Node 24`, net(node24, { id, peer: "hakmem" }), others(node24, { id })]),
    ...["20", "24"].map((node) => [
      `\`js-random-mixed/400\`, Node ${node}`,
      net(js, { id: "js-random-mixed/400", peer: "hakmem", node }),
      others(js, { id: "js-random-mixed/400", node }, NAMES),
    ]),
    [
      "`mixed-threads`, one thread → two, M ops/s",
      scaling("hakmem"),
      locked.map((peer) => `${peer} ${scaling(peer)}`).join(", "),
    ],
    two("larson"),
    two("producer-consumer"),
  ];
  return [
    markdown([["what", "hakmem", "peers"], ...rows], true),
    [node24, js, threads].map((run) => `- ${describe(run)}`).join("\n"),
  ].join("\n\n");
}

/** Where another peer is ahead, in time or memory, by how much; the worst first. */
function shortfalls(run: Run): string {
  const behind = (figure: (row: Row) => number | null): string =>
    idsOf(run)
      .flatMap((id) => {
        const own = figure(rowOf(run, { id, peer: "hakmem" }));
        const best = peersOf(run)
          .filter((peer) => peer !== "hakmem")
          .map((peer) => ({ peer, value: figure(rowOf(run, { id, peer })) ?? Number.POSITIVE_INFINITY }))
          .reduce((a, b) => (b.value < a.value ? b : a));
        return own === null || own < A_TENTH_MORE * best.value
          ? []
          : [{ id, peer: best.peer, times: own / best.value }];
      })
      .sort((a, b) => b.times - a.times)
      .map(({ id, peer, times }) => `\`${id}\` (${times.toFixed(1)} × ${peer})`)
      .join(", ");
  return [
    `Slower than the fastest peer by a tenth or more: ${behind((row) => row.netNsPerOp) || "none"}.`,
    `More memory than the leanest peer by a tenth or more: ${behind((row) => row.peakBytes) || "none"}.`,
  ].join("\n\n");
}

function nativeTable(runs: Runs): string {
  const peers = peersOf(runs.native);
  const row = (run: Run, id: string, title: string): string[] => [
    title,
    ...peers.map((peer) => `${net(run, { id, peer })} · ${mebibytes(rowOf(run, { id, peer }).peakBytes)}`),
  ];
  const rows = [
    ...idsOf(runs.native).map((id) => row(runs.native, id, `\`${id}\``)),
    ...idsOf(runs["native-threads"]).map((id) => row(runs["native-threads"], id, `\`${id}\`, 2 threads`)),
  ];
  return [
    [runs.native, runs["native-threads"]].map((run) => `- ${describe(run)}`).join("\n"),
    markdown([["net ns/op · peak MiB", ...peers], ...rows]),
  ].join("\n\n");
}
