/**
 * Building every module that the package ships, with a manifest that says what they are.
 *
 * A module is built again only when something that goes into it has changed: its sources, its constants, the compilers or this
 * pipeline. A hash of all of these names it in the cache, and the manifest records it, with a hash of the module, so that a damaged
 * file is noticed too.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { cachedFile, writeWhole } from "../base/cache.js";
import { fingerprint, fingerprintOfAllocator } from "../base/fingerprint.js";
import { constantsOf, type Constants, type Profile } from "../profile/index.js";
import { type Target } from "../profile/target.js";
import { buildWasm, readConfigHash } from "./wasm.js";
import { ROOT } from "../base/paths.js";

/** What one module file is. */
export interface ManifestEntry {
  /** Name of the file, in the manifest's directory. */
  readonly file: string;
  readonly profile: string;
  readonly target: Target;
  /** Size of the module. */
  readonly bytes: number;
  /** What the module's `config_hash()` returns, as an unsigned number: heaps are shared between equal ones only. */
  readonly configHash: number;
  /** The compile-time constants that it was built with. */
  readonly constants: Constants;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Names everything that the file was built from. */
  readonly inputs: string;
}

/** Content of `manifest.json`. */
export interface Manifest {
  readonly version: 1;
  readonly modules: readonly ManifestEntry[];
}

export interface BuildAllOptions {
  readonly profiles: readonly Profile[];
  readonly targets: readonly Target[];
  /** Directory that receives the modules. */
  readonly out: string;
  /** As in `buildWasm`. */
  readonly sourceRoot?: string;
  readonly names?: boolean;
  /** Build also what is up to date. */
  readonly force?: boolean;
  /** Keep the modules in `out` that are not among `profiles` × `targets`; they are removed by default. */
  readonly keepOthers?: boolean;
  /** Called after each module. */
  readonly onModule?: (entry: ManifestEntry, built: boolean) => void;
}

const MANIFEST = "manifest.json";

/** Name of the file that holds the module of a profile and a target. */
export function moduleFile(profile: string, target: Target): string {
  return `${profile}.${target}.wasm`;
}

/** Builds `profiles` × `targets` and writes them and `manifest.json`. Rejects as `buildWasm` does; what was built before stays. */
export async function buildAll(options: BuildAllOptions): Promise<Manifest> {
  const { profiles, targets, out, sourceRoot = ROOT, names = false, force = false } = options;
  await mkdir(out, { recursive: true });
  const before = await readManifest(out);
  const allocator = await fingerprintOfAllocator(sourceRoot);
  const modules: ManifestEntry[] = [];

  for (const profile of profiles) {
    for (const target of targets) {
      const file = moduleFile(profile.name, target);
      const constants = constantsOf(profile, target);
      const inputs = fingerprint(allocator, JSON.stringify([target, constants, names]));
      let entry = before.find((known) => known.file === file && known.inputs === inputs);
      const upToDate = !force && entry !== undefined && (await isIntact(path.join(out, file), entry.sha256));
      if (!upToDate || entry === undefined) {
        const bytes = await cachedModule(`${profile.name}.${target}-${inputs}`, force, () =>
          buildWasm({ profile, target, sourceRoot, names }),
        );
        await writeWhole(path.join(out, file), bytes);
        entry = {
          file,
          profile: profile.name,
          target,
          bytes: bytes.length,
          configHash: readConfigHash(bytes),
          constants,
          sha256: sha256(bytes),
          inputs,
        };
      }
      modules.push(entry);
      options.onModule?.(entry, !upToDate);
    }
  }

  const others = before.filter(({ file }) => !modules.some((entry) => entry.file === file));
  if (options.keepOthers === true) modules.push(...others);
  else await Promise.all(others.map(({ file }) => rm(path.join(out, file), { force: true })));
  const manifest: Manifest = { version: 1, modules };
  await writeWhole(path.join(out, MANIFEST), JSON.stringify(manifest, null, 2) + "\n");
  return manifest;
}

/** The cached module `name`; `force` makes it anew, with the same bytes. */
async function cachedModule(name: string, force: boolean, build: () => Promise<Uint8Array>): Promise<Uint8Array> {
  return force ? build() : readFile(await cachedFile(path.join("modules", `${name}.wasm`), build));
}

async function isIntact(file: string, hash: string): Promise<boolean> {
  return readFile(file).then(
    (bytes) => sha256(bytes) === hash,
    () => false,
  );
}

/** The entries of the manifest in `directory`; none when there is no manifest that this version can read. */
async function readManifest(directory: string): Promise<readonly ManifestEntry[]> {
  const text = await readFile(path.join(directory, MANIFEST), "utf8").catch(() => "{}");
  try {
    const manifest = JSON.parse(text) as Partial<Manifest>;
    return manifest.version === 1 ? (manifest.modules ?? []) : [];
  } catch {
    return [];
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
