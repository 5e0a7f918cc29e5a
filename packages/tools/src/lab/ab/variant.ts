/**
 * What an experiment compares, as it is written on the command line:
 *
 *   [PROFILE][@REVISION][,CONSTANT=NUMBER]…
 *
 *   default                       the default profile, as the sources are
 *   compact                       another profile; ./mine.json is one in a file
 *   HK_CACHE_MAX=512              the default profile with another compile-time constant
 *   default,HK_CACHE_MAX=512      the same
 *   @HEAD~1                       the default profile, with `assembly/` as it was in a git revision
 */

import { constantsOf, loadProfile, type Profile } from "../../profile/index.js";
import { RequestError } from "../../base/errors.js";
import { hakmemPeer } from "../peers/hakmem.js";
import type { WasmPeer } from "../peers/peer.js";
import { checkOut } from "./revision.js";

export interface Variant {
  /** As it was written. */
  readonly spec: string;
  readonly profile: Profile;
  readonly overrides: Readonly<Record<string, number>>;
  /** Full hash; null for the sources as they are. */
  readonly commit: string | null;
  /** Directory with the sources of that revision. */
  readonly sourceRoot: string | undefined;
}

export interface VariantSpec {
  readonly profile: string;
  readonly revision: string | null;
  readonly overrides: Readonly<Record<string, number>>;
}

const DEFAULT_PROFILE = "default";
const ASSIGNMENT = /^(HK_[A-Z_]+)=(-?\d+)$/;

/** Throws {@link RequestError} when `spec` is not written as above. */
export function parseVariant(spec: string): VariantSpec {
  const [first = "", ...rest] = spec.split(",");
  const assignments = first.includes("=") ? [first, ...rest] : rest;
  const [profile = "", revision, ...more] = first.includes("=") ? [""] : first.split("@");
  if (spec === "" || revision === "" || more.length > 0) throw malformed(spec, `"${first}" is no profile and revision`);
  const overrides: Record<string, number> = {};
  for (const assignment of assignments) {
    const [, name, value] = ASSIGNMENT.exec(assignment) ?? [];
    if (name === undefined) throw malformed(spec, `"${assignment}" is no constant and number`);
    overrides[name] = Number(value);
  }
  return { profile: profile === "" ? DEFAULT_PROFILE : profile, revision: revision ?? null, overrides };
}

function malformed(spec: string, what: string): RequestError {
  return new RequestError(
    `variant "${spec}": ${what}; it must be [PROFILE][@REVISION][,CONSTANT=NUMBER]..., for instance compact, ` +
      `HK_CACHE_MAX=512 or default@HEAD~1`,
  );
}

/** Reads the profile and fetches the revision's sources. Throws `ProfileError` when the constants do not fit. */
export async function loadVariant(spec: string): Promise<Variant> {
  const { profile, revision, overrides } = parseVariant(spec);
  const loaded = await loadProfile(profile);
  // Another revision may have other constants.
  if (revision === null) constantsOf(loaded, "wasm32", overrides);
  const sources = revision === null ? undefined : await checkOut(revision);
  return {
    spec,
    profile: loaded,
    overrides,
    commit: sources?.commit ?? null,
    sourceRoot: sources?.directory,
  };
}

/** The variant as a peer of its own, called `name`. */
export function peerOf({ spec, profile, overrides, sourceRoot }: Variant, name: string): WasmPeer {
  return hakmemPeer({
    name,
    profile,
    description: spec,
    overrides,
    ...(sourceRoot === undefined ? {} : { sourceRoot }),
  });
}
