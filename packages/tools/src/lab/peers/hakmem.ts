/** hakmem in WebAssembly, in any profile, with any compile-time constants, from any revision's sources. */

import { readFile } from "node:fs/promises";
import { cachedFile } from "../../base/cache.js";
import { fingerprint, fingerprintOfAllocator } from "../../base/fingerprint.js";
import type { Profile } from "../../profile/index.js";
import { ROOT } from "../../base/paths.js";
import type { WasmContext, WasmHooks, WasmPeer } from "./peer.js";

export interface HakmemVariant {
  /** Name of the peer, `hakmem` for the allocator as it is. */
  readonly name: string;
  readonly profile: Profile;
  readonly description?: string;
  readonly overrides?: Readonly<Record<string, number>>;
  /** Directory that holds the `assembly/` to build; this package's unless given. */
  readonly sourceRoot?: string;
  /** Fill the caches of all classes before anything is timed. */
  readonly prefill?: boolean;
}

/** What one class is asked to hold in advance; the profile's limits on a thread's cache still hold. */
const PREFILL_BLOCKS = 10_000;

/** The structure without its safety and accounting, every cache filled in advance (S16). */
export function ceilingPeer(profile: Profile): WasmPeer {
  return hakmemPeer({
    name: CEILING,
    profile,
    description: "hakmem without safety and accounting, pre-filled: what the structure alone costs",
    overrides: { HK_UNSAFE: 1 },
    prefill: true,
  });
}

export const CEILING = "hakmem-ceiling";

/** The hooks of all variants; those of the ceiling fill its caches first. */
export function hakmemHooks(isCeiling: boolean): WasmHooks {
  return { kind: "wasm", keepsContents: true, initialBytes: () => 0, begin, ...(isCeiling ? { prefill } : {}) };
}

export function hakmemPeer(variant: HakmemVariant): WasmPeer {
  const isCeiling = variant.prefill === true;
  return {
    ...hakmemHooks(isCeiling),
    name: variant.name,
    profile: variant.profile.name,
    description: variant.description ?? variant.profile.description,
    targets: ["wasm32", "wasm32-shared"],
    missing: () => Promise.resolve(undefined),
    measuredAs: isCeiling ? CEILING : "hakmem",
    build: (target) => build(variant, target === "wasm32-shared" ? target : "wasm32"),
    minimumBytes: () => 0,
  };
}

async function build(variant: HakmemVariant, target: "wasm32" | "wasm32-shared"): Promise<Uint8Array> {
  const { buildWasm } = await import("../../build/wasm.js");
  const { profile, overrides = {}, sourceRoot = ROOT } = variant;
  const key = fingerprint(await fingerprintOfAllocator(sourceRoot), JSON.stringify([profile, overrides, target]));
  const file = await cachedFile(`hakmem-${key}.wasm`, () => buildWasm({ profile, target, overrides, sourceRoot }));
  return readFile(file);
}

function begin({ exports, control }: WasmContext): number {
  const heap = (exports["thread_init"] as (control: number) => number)(control);
  if (heap === 0 || heap === -1)
    throw new Error(`thread_init(${control}) returned ${heap}: there is no room or no heap`);
  return heap;
}

function prefill({ exports }: WasmContext): void {
  const classStat = exports["class_stat"] as (cls: number, what: number) => number;
  const prewarm = exports["malloc_prewarm"] as (size: number, count: number) => number;
  for (let cls = 0; ; cls++) {
    const size = classStat(cls, 0) >>> 0;
    if (size === 0) return;
    prewarm(size, PREFILL_BLOCKS);
  }
}
