/**
 * The catalogue: every workload with its parameters and how much of it one run does. What they do is written in
 * `bench/workloads/`; adding a variant is one line here.
 */

import { unknownName } from "../base/errors.js";
import { recordingById } from "./recordings.js";
import type { Driver, Workload } from "./workload.js";

export type { Driver, Workload };

const KIB = 1024;
const MIB = 1024 * KIB;

const one = (count: number): boolean => count === 1;
const any = (count: number): boolean => count >= 1;
const even = (count: number): boolean => count >= 2 && count % 2 === 0;

interface MixedParams {
  readonly slots: number;
  readonly min: number;
  readonly max: number;
}

function mixed(
  id: string,
  params: MixedParams,
  ringBytes: number,
  operations: number,
  driver: Driver = "single",
): Workload {
  return {
    id,
    family: id.replace(/^js-/, "").split("/")[0] ?? id,
    driver,
    params: { ...params },
    functions: "random_mixed",
    args: [params.slots, params.min, params.max, 0],
    steps: operations,
    quickSteps: operations / 4,
    ringBytes,
    threads: driver === "threads" ? any : one,
  };
}

function tinyHot(size: number): Workload {
  return {
    id: `tiny-hot/${size}`,
    family: "tiny-hot",
    driver: "single",
    params: { size },
    functions: "tiny_hot",
    args: [size, 0, 0, 0],
    steps: 800_000,
    quickSteps: 200_000,
    ringBytes: 4 * KIB,
    threads: one,
  };
}

const FREE_ORDERS = ["lifo", "fifo", "random"] as const;

function batch(order: (typeof FREE_ORDERS)[number]): Workload {
  const params = { blocks: 1000, min: 16, max: 1024, order };
  return {
    id: `batch/${order}`,
    family: "batch",
    driver: "single",
    params,
    functions: "batch",
    args: [params.blocks, params.min, params.max, FREE_ORDERS.indexOf(order)],
    steps: 400,
    quickSteps: 100,
    ringBytes: 512 * KIB,
    threads: one,
  };
}

function trace(name: string): Workload {
  return {
    id: `trace/${name}`,
    family: "trace",
    driver: "single",
    params: { trace: name },
    functions: "trace",
    args: [],
    trace: `${name}.hkt`,
    steps: 600_000,
    quickSteps: 150_000,
    ringBytes: 2 * MIB,
    threads: one,
  };
}

export const WORKLOADS: readonly Workload[] = [
  mixed("random-mixed/256", { slots: 256, min: 16, max: 1024 }, 64 * KIB, 800_000),
  mixed("random-mixed/400", { slots: 400, min: 16, max: 1024 }, 128 * KIB, 800_000),
  mixed("random-mixed/8192", { slots: 8192, min: 16, max: 1024 }, 2 * MIB, 800_000),
  mixed("c6-heavy", { slots: 200, min: 257, max: 512 }, 64 * KIB, 800_000),
  tinyHot(16),
  tinyHot(64),
  mixed("mid-gap", { slots: 256, min: KIB, max: 8 * KIB }, 512 * KIB, 800_000),
  mixed("mid-large", { slots: 128, min: 8 * KIB, max: 64 * KIB }, 2 * MIB, 400_000),
  mixed("large", { slots: 32, min: 64 * KIB, max: 2 * MIB }, 16 * MIB, 100_000),
  ...FREE_ORDERS.map(batch),
  {
    id: "realloc-growth",
    family: "realloc-growth",
    driver: "single",
    params: { buffers: 64, min: 16, max: 256 * KIB },
    functions: "realloc_growth",
    args: [64, 16, 256 * KIB, 0],
    steps: 200_000,
    quickSteps: 50_000,
    ringBytes: 2 * MIB,
    threads: one,
  },
  {
    id: "phase-change",
    family: "phase-change",
    driver: "single",
    params: { bytes: 4 * MIB },
    functions: "phase_change",
    args: [4 * MIB, 0, 0, 0],
    steps: 12,
    quickSteps: 6,
    ringBytes: 4 * MIB,
    threads: one,
  },
  trace("json"),
  trace("index"),
  trace("compiler"),
  {
    id: "larson",
    family: "larson",
    driver: "threads",
    params: { slots: 1024, min: 16, max: 1024 },
    functions: "larson",
    args: [1024, 16, 1024, 0],
    steps: 64 * 16_384,
    quickSteps: 16 * 16_384,
    ringBytes: 512 * KIB,
    threads: any,
  },
  {
    id: "producer-consumer",
    family: "producer-consumer",
    driver: "threads",
    params: { queue: 4096, min: 16, max: 256 },
    functions: "producer_consumer",
    args: [16, 256, 0, 0],
    steps: 64 * 16_384,
    quickSteps: 16 * 16_384,
    ringBytes: MIB,
    threads: even,
  },
  mixed("mixed-threads", { slots: 400, min: 16, max: 1024 }, 128 * KIB, 800_000, "threads"),
  mixed("js-random-mixed/400", { slots: 400, min: 16, max: 1024 }, 128 * KIB, 200_000, "script"),
];

/** The workload called `id`, or the recording that it names. */
export function workloadById(id: string): Workload {
  const found = WORKLOADS.find((workload) => workload.id === id) ?? recordingById(id);
  if (found === undefined)
    throw unknownName(
      "workload",
      id,
      WORKLOADS.map((workload) => workload.id),
    );
  return found;
}

/** All workloads that the selectors name: by id, or by the part before the `/`. Throws when one names none. */
export function selectWorkloads(selectors: readonly string[]): Workload[] {
  for (const selector of selectors) {
    if (!WORKLOADS.some((workload) => matches(workload, selector))) {
      throw unknownName("workload", selector, [...new Set(WORKLOADS.flatMap(({ id }) => [prefixOf(id), id]))]);
    }
  }
  return WORKLOADS.filter((workload) => selectors.some((selector) => matches(workload, selector)));
}

function matches({ id }: Workload, selector: string): boolean {
  return id === selector || prefixOf(id) === selector;
}

function prefixOf(id: string): string {
  return id.split("/")[0] ?? id;
}
