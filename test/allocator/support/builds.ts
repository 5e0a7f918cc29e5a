import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { CLASS_GRID } from "../../../packages/tools/src/profile/schema.js";

/** One module of `dist/wasm`, and what it was built for. */
export interface Build {
  /** As the tests show it, for example `default wasm32-shared`. */
  readonly name: string;
  readonly profile: string;
  readonly target: string;
  readonly code: Uint8Array<ArrayBuffer>;
  readonly module: WebAssembly.Module;
  /** Whether several threads may use one memory. */
  readonly shared: boolean;
  /** Whether addresses and sizes are 64 bits wide. */
  readonly wide: boolean;
  /** Whether every misuse is reported through `hakmem_fail`. */
  readonly guard: boolean;
  /** Whether some is. */
  readonly hardened: boolean;
  /** Whether the cache's limits, and with them all figures, are given up. */
  readonly unsafe: boolean;
  /** Memory from 2^addressBits on is never the heap's. */
  readonly addressBits: number;
  readonly pageSize: number;
  readonly superslabSize: number;
  /** Sizes that the profile chooses for blocks up to 4 KiB; undefined for the standard ones. */
  readonly classes: readonly number[] | undefined;
  /** The unit in which large blocks are cut. */
  readonly granuleSize: number;
}

interface ManifestEntry {
  readonly file: string;
  readonly profile: string;
  readonly target: string;
  readonly constants: Readonly<Record<string, number>>;
}

const SUPERSLAB_PAGES = 32;
const PAGE_GRANULES = 16;
const DIRECTORY = new URL("../../../packages/hakmem/dist/wasm/", import.meta.url);

// Behind a flag before Node 24, and an unknown flag is ignored; set before the first module is compiled.
setFlagsFromString("--experimental-wasm-memory64");

/** Every module that this Node can run and that keeps the allocator's promises: the ceiling mode gives them up on purpose. */
export const BUILDS: readonly Build[] = manifest()
  .flatMap((entry) => load(entry))
  .filter(({ unsafe }) => !unsafe);

/** The builds for one thread at a time in a private memory, for example. */
export function buildsWhere(condition: (build: Build) => boolean): readonly Build[] {
  const builds = BUILDS.filter(condition);
  if (builds.length === 0) throw new Error("no build fits this test: run `npm run build`");
  return builds;
}

/** The one build of a profile for a target. */
export function buildOf(profile: string, target: string): Build {
  const [build] = buildsWhere((candidate) => candidate.profile === profile && candidate.target === target);
  return build!;
}

function manifest(): readonly ManifestEntry[] {
  try {
    const text = readFileSync(new URL("manifest.json", DIRECTORY), "utf8");
    return (JSON.parse(text) as { modules: ManifestEntry[] }).modules;
  } catch (cause) {
    throw new Error("dist/wasm holds no modules: run `npm run build`", { cause });
  }
}

function load({ file, profile, target, constants }: ManifestEntry): Build[] {
  const build = buildFrom(profile, target, readFileSync(new URL(file, DIRECTORY)), constants);
  return build === undefined ? [] : [build];
}

function classesOf(low: number, high: number): number[] | undefined {
  const bits = BigInt(low) | (BigInt(high) << 24n);
  return bits === 0n ? undefined : CLASS_GRID.filter((_, index) => (bits >> BigInt(index)) & 1n);
}

/** What the module `code` is, which was built with `constants`; undefined when this Node cannot run it. */
export function buildFrom(
  profile: string,
  target: string,
  code: Uint8Array<ArrayBuffer>,
  constants: Readonly<Record<string, number>>,
): Build | undefined {
  const wide = target.startsWith("wasm64");
  // A Node without 64-bit memories cannot even compile these.
  if (wide && !WebAssembly.validate(code)) return undefined;
  const pageSize = 2 ** constants["HK_PAGE_SHIFT"]!;
  return {
    name: `${profile} ${target}`,
    profile,
    target,
    code,
    module: new WebAssembly.Module(code),
    shared: constants["HK_SHARED"] === 1,
    wide,
    guard: constants["HK_GUARD"] === 1,
    hardened: constants["HK_HARDENED"] === 1,
    unsafe: constants["HK_UNSAFE"] === 1,
    addressBits: constants["HK_ADDRESS_BITS"]!,
    pageSize,
    superslabSize: pageSize * SUPERSLAB_PAGES,
    classes: classesOf(constants["HK_CLASSES"]!, constants["HK_CLASSES_HIGH"]!),
    granuleSize: pageSize / PAGE_GRANULES,
  };
}
