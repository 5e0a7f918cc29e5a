/**
 * What the library must know of a profile before its module is loaded.
 *
 * The profiles themselves are the JSON files of `profiles/`; a test holds this table to them. Reading the files here would
 * cost a browser a request for each heap.
 */

/** A profile that ships with the package. */
export type ProfileName = "default" | "compact" | "hardened" | "guard";

export interface ProfileLimits {
  /** The heap can use addresses below 2 ** addressBits; `all` that its memory has. */
  readonly addressBits: number | "all";
}

export const PROFILES: Readonly<Record<ProfileName, ProfileLimits>> = {
  default: { addressBits: "all" },
  compact: { addressBits: 30 },
  hardened: { addressBits: "all" },
  guard: { addressBits: "all" },
};

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];

export function isProfileName(name: unknown): name is ProfileName {
  return typeof name === "string" && Object.hasOwn(PROFILES, name);
}
