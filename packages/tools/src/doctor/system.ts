/** What of the system decides how the native library fares, and what this Node can do. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ok, broken, warning, type Check } from "./check.js";

export interface SystemOptions {
  /** Where `proc` and `sys` are. */
  readonly root: string;
  /** Bytes of free memory that the library keeps. */
  readonly retainedBytes: number;
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Addresses that the library reserves when it is loaded (docs/native.md). */
const TABLES_BYTES = 3.6 * GIB;
const ARENA_BYTES = 8 * GIB;

/** Checks of Linux; where there is no such file there is none. */
export async function checkSystem({ root, retainedBytes }: SystemOptions): Promise<Check[]> {
  const read = async (file: string): Promise<string | undefined> =>
    readFile(path.join(root, file), "utf8").then(
      (text) => text.trim(),
      () => undefined,
    );
  const checks = [
    overcommit(await read("proc/sys/vm/overcommit_memory")),
    addressSpace(await read("proc/self/limits")),
    hugePages(await read("sys/kernel/mm/transparent_hugepage/enabled")),
    container(
      (await read("sys/fs/cgroup/memory.max")) ?? (await read("sys/fs/cgroup/memory/memory.limit_in_bytes")),
      retainedBytes,
    ),
  ];
  return checks.filter((check) => check !== undefined);
}

function overcommit(text: string | undefined): Check | undefined {
  if (text === undefined) return undefined;
  const about = "vm.overcommit_memory";
  if (text !== "2") return ok(about, text);
  return warning(
    about,
    "2: the library's tables, 3.6 GiB of addresses, count as promised memory",
    "Raise vm.overcommit_ratio where malloc fails at the start, or set it to 0",
  );
}

function addressSpace(text: string | undefined): Check | undefined {
  const limit = /^Max address space +(\S+)/m.exec(text ?? "")?.[1];
  if (limit === undefined) return undefined;
  const about = "address space";
  if (limit === "unlimited" || Number(limit) >= TABLES_BYTES + ARENA_BYTES)
    return ok(about, limit === "unlimited" ? limit : `${gibibytes(Number(limit))} (ulimit -v)`);
  const found = `limited to ${gibibytes(Number(limit))} (ulimit -v); the library reserves 3.6 GiB for tables and 8 GiB for the heap`;
  return Number(limit) < TABLES_BYTES
    ? broken(
        about,
        `${found}, so malloc will fail`,
        "Set ulimit -v unlimited; to limit memory use HAKMEM_LIMIT or a cgroup",
      )
    : warning(about, found, "Set ulimit -v unlimited; to limit memory use HAKMEM_LIMIT or a cgroup");
}

function hugePages(text: string | undefined): Check | undefined {
  const chosen = /\[(\w+)\]/.exec(text ?? "")?.[1];
  if (chosen === undefined) return undefined;
  const about = "transparent huge pages";
  if (chosen !== "always") return ok(about, chosen);
  return warning(
    about,
    "always: the heap is faster, but resident in pieces of 2 MiB, of which little may be in use",
    "Where memory matters: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
  );
}

/** The largest limit that is one: older systems have a number near 2^63 for none. */
const MOST_LIMIT = 2 ** 60;

function container(text: string | undefined, retainedBytes: number): Check | undefined {
  const limit = Number(text);
  if (text === undefined || Number.isNaN(limit) || limit > MOST_LIMIT)
    return text === undefined ? undefined : ok("container's memory", "no limit");
  const about = "container's memory";
  const found = `${Math.floor(limit / MIB)} MiB`;
  if (limit >= 2 * retainedBytes) return ok(about, found);
  const quarter = Math.max(1, Math.floor(limit / 4 / MIB));
  return warning(
    about,
    `${found}, and up to ${Math.floor(retainedBytes / MIB)} MiB of free memory are kept for a while`,
    `Set HAKMEM_RETAIN_BYTES=${quarter}m, or HAKMEM_PURGE_DELAY=0`,
  );
}

const gibibytes = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** A module that is valid where memories may have addresses of 64 bits: it has one, and nothing else. */
const MEMORY64 = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 1);

/** Whether this Node has what the shared and the 64-bit modules need. */
export function checkEngine(): Check[] {
  const wide = WebAssembly.validate(MEMORY64);
  return [
    wide
      ? ok("memory64", "this Node has it")
      : warning("memory64", `Node ${process.versions.node} has no 64-bit memories`, "Heaps beyond 4 GiB need Node 24"),
  ];
}
