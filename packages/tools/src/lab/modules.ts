/**
 * Linking: driver and allocator become one module, optimised as one program, the same way for every peer.
 *
 *   memory.wat (imports host.memory, exports it) ┬ the peer's module ┬ the driver ── wasm-merge ── wasm-opt ── cache
 */

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as path from "node:path";
import { execa } from "execa";
import { ARENA_END, MAXIMUM_PAGES, PAGE_BYTES } from "./arena.js";
import { cachedFile } from "../base/cache.js";
import { fingerprint, fingerprintOfPipeline, fingerprintOfSources } from "../base/fingerprint.js";
import { ROOT } from "../base/paths.js";
import { labelOf, type WasmPeer } from "./peers/peer.js";
import type { LabTarget } from "./target.js";
import { withScratch } from "../base/scratch.js";

const FEATURES = [
  "--enable-threads",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-multivalue",
];

/**
 * Functions up to this size (binaryen's measure, about its number of instructions) are inlined into the driver: an allocator's
 * fast path, when it has one of its own.
 */
const OPTIMISATION = ["-O3", "--always-inline-max-function-size=60", "--flexible-inline-max-function-size=60"];

const require = createRequire(import.meta.url);
const BINARYEN = path.dirname(require.resolve("binaryen"));

/** Path of `peer`'s module, linked with the drivers for `target`; made when it is not in the cache. */
export async function linkedModule(peer: WasmPeer, target: LabTarget): Promise<string> {
  const allocator = await peer.build(target);
  const key = fingerprint(
    allocator,
    target,
    JSON.stringify([FEATURES, OPTIMISATION]),
    await fingerprintOfSources(path.join(ROOT, "bench", "workloads"), ".ts"),
    await fingerprintOfPipeline(),
  );
  const name = labelOf(peer).replaceAll(/[^\w.-]/g, "-");
  return cachedFile(`bench-${name}-${target}-${key}.wasm`, () => link(allocator, target, peer.minimumBytes(target)));
}

async function link(allocator: Uint8Array, target: LabTarget, minimumBytes: number): Promise<Uint8Array> {
  return linkModules(memoryModule(target, minimumBytes), allocator, await driver(target));
}

/**
 * Allocator and driver as one optimised module; each imports `env.memory`, and the driver functions of `allocator`.
 * @param memory text of a module that imports the memory from the host and exports it as `memory`
 * @param features that the modules use beyond those of the lab's, as options of binaryen
 */
export async function linkModules(
  memory: string,
  allocator: Uint8Array,
  driver: Uint8Array,
  features: readonly string[] = [],
): Promise<Uint8Array> {
  return withScratch("link", async (directory) => {
    const file = (name: string): string => path.join(directory, name);
    const allowed = [...FEATURES, ...features];
    await Promise.all([
      writeFile(file("memory.wat"), memory),
      writeFile(file("allocator.wasm"), allocator),
      writeFile(file("driver.wasm"), driver),
    ]);
    const inputs = [file("memory.wat"), "env", file("allocator.wasm"), "allocator", file("driver.wasm"), "driver"];
    await binaryen("wasm-merge", [...inputs, "--rename-export-conflicts", ...allowed, "-o", file("merged.wasm")]);
    await binaryen("wasm-opt", [file("merged.wasm"), ...OPTIMISATION, ...allowed, "-o", file("linked.wasm")]);
    return await readFile(file("linked.wasm"));
  });
}

/** Both modules import `env.memory`; given a module of that name to take it from, they end up with the same one. */
function memoryModule(target: LabTarget, minimumBytes: number): string {
  const minimum = (ARENA_END + minimumBytes) / PAGE_BYTES;
  const shared = target === "wasm32-shared" ? " shared" : "";
  return `(module (import "host" "memory" (memory ${minimum} ${MAXIMUM_PAGES}${shared})) (export "memory" (memory 0)))`;
}

/** The drivers' module: all workloads that make sense for the target. */
async function driver(target: LabTarget): Promise<Uint8Array> {
  const { compileAssembly } = await import("../build/assemblyscript.js");
  const shared = target === "wasm32-shared";
  return compileAssembly({
    entry: path.join("bench", "workloads", shared ? "threads.ts" : "single.ts"),
    root: ROOT,
    target: shared ? target : "wasm32",
  });
}

async function binaryen(tool: string, args: readonly string[]): Promise<void> {
  await execa(process.execPath, [path.join(BINARYEN, "bin", tool), ...args]);
}
