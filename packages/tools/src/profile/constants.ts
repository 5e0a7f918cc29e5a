/**
 * From a profile and a target to the compile-time constants of `assembly/` (declared in `assembly/constants.d.ts`).
 * This is the only place that knows both names.
 */

import { traitsOf, type Target } from "./target.js";
import { CLASS_GRID, ProfileError, type Profile } from "./schema.js";

/** The constants' names to their values, integers from 0 to 2^31 - 1 all. */
export type Constants = Readonly<Record<ConstantName, number>>;

export type ConstantName =
  | "HK_SHARED"
  | "HK_NATIVE"
  | "HK_VIRTUAL"
  | "HK_PAGE_SHIFT"
  | "HK_ADDRESS_BITS"
  | "HK_GUARD"
  | "HK_HARDENED"
  | "HK_UNSAFE"
  | "HK_CLASSES"
  | "HK_CLASSES_HIGH"
  | "HK_STATISTICS"
  | "HK_LEARNER"
  | "HK_CACHE_MIN"
  | "HK_CACHE_MAX"
  | "HK_CACHE_BYTES"
  | "HK_GROW_MIN_PAGES"
  | "HK_GROW_MAX_BYTES"
  | "HK_RETAIN_COUNT"
  | "HK_RETAIN_BYTES"
  | "HK_RETAIN_MS";

/**
 * Where bins take 16 bytes, with pointers of 64 bits and in hardened builds, a thread's heap takes more than a page of 2^12 bytes,
 * and metadata never crosses a page.
 */
const MIN_PAGE_SHIFT_WIDE_BINS = 13;

/** Where memory is virtual a page costs what is touched of it, and larger ones are fewer. */
const MIN_PAGE_SHIFT_VIRTUAL = 16;

/** There memory is asked of a system, which is dear; in a WebAssembly memory whatever has been taken counts. */
const MIN_FIRST_PAGES_VIRTUAL = 8;

/** The region map of all addresses has one byte a page, and takes memory once there is much, except on native, where it is a sparse reservation. */
const MAX_REGION_MAP_BITS = 20;

/** Of the 48 classes that can be chosen so many are in each of two constants. */
const CLASSES_BITS = 24;

/**
 * The constants that `profile` means on `target`.
 *
 * Throws {@link ProfileError} when the two do not go together, and when `overrides` (of `hakmem ab` and other experiments)
 * names a constant that does not exist or gives it a value that is not an integer from 0 to 2^31 - 1.
 */
export function constantsOf(
  profile: Profile,
  target: Target,
  overrides: Readonly<Record<string, number>> = {},
): Constants {
  const traits = traitsOf(target);
  const addressBits = profile.addressBits === "all" ? traits.addressBits : profile.addressBits;
  if (addressBits > traits.addressBits) {
    throw new ProfileError(profile.name, [
      `addressBits is ${addressBits}; target ${target} has addresses of ${traits.addressBits} bits`,
    ]);
  }
  if (!traits.virtual && addressBits - profile.pageShift > MAX_REGION_MAP_BITS) {
    throw new ProfileError(profile.name, [
      `pageShift is ${profile.pageShift}; with addresses of ${addressBits} bits (target ${target}) it must be at least ` +
        `${addressBits - MAX_REGION_MAP_BITS}, or the map of the address space exceeds 2^${MAX_REGION_MAP_BITS} bytes`,
    ]);
  }
  const wideBins = traits.pointerBits === 64 || profile.hardened;
  if (!traits.virtual && wideBins && profile.pageShift < MIN_PAGE_SHIFT_WIDE_BINS) {
    const why = traits.pointerBits === 64 ? `with pointers of 64 bits (target ${target})` : "in a hardened build";
    throw new ProfileError(profile.name, [
      `pageShift is ${profile.pageShift}; ${why} it must be at least ` +
        `${MIN_PAGE_SHIFT_WIDE_BINS}, or a thread's heap does not fit a page`,
    ]);
  }
  const classes = classBits(profile.classes);
  const constants: Constants = {
    HK_SHARED: Number(traits.shared),
    HK_NATIVE: Number(traits.native),
    HK_VIRTUAL: Number(traits.virtual),
    HK_PAGE_SHIFT: traits.virtual ? Math.max(profile.pageShift, MIN_PAGE_SHIFT_VIRTUAL) : profile.pageShift,
    HK_ADDRESS_BITS: addressBits,
    HK_GUARD: Number(profile.guard),
    HK_HARDENED: Number(profile.hardened),
    HK_UNSAFE: Number(profile.unsafe),
    HK_CLASSES: classes % 2 ** CLASSES_BITS,
    HK_CLASSES_HIGH: Math.floor(classes / 2 ** CLASSES_BITS),
    HK_STATISTICS: Number(profile.statistics),
    HK_LEARNER: Number(profile.learner),
    HK_CACHE_MIN: profile.cache.minBlocks,
    HK_CACHE_MAX: profile.cache.maxBlocks,
    HK_CACHE_BYTES: profile.cache.maxBytes,
    HK_GROW_MIN_PAGES: traits.virtual
      ? Math.max(profile.grow.firstPages, MIN_FIRST_PAGES_VIRTUAL)
      : profile.grow.firstPages,
    HK_GROW_MAX_BYTES: profile.grow.maxBytes,
    HK_RETAIN_COUNT: profile.retain.superslabs,
    HK_RETAIN_BYTES: profile.retain.bytes,
    HK_RETAIN_MS: profile.retain.milliseconds,
  };
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(constants, name)) {
      const known = Object.keys(constants).join(", ");
      throw new ProfileError(profile.name, [`override ${name} is not a constant; constants are ${known}`]);
    }
    if (value < 0 || (value | 0) !== value) {
      throw new ProfileError(profile.name, [`override ${name} is ${value}; it must be an integer from 0 to 2^31 - 1`]);
    }
  }
  return { ...constants, ...overrides };
}

/** A bit for each size of the grid that is chosen; 0 for the standard ones. */
function classBits(classes: Profile["classes"]): number {
  if (classes === "standard") return 0;
  return classes.reduce((bits, size) => bits + 2 ** CLASS_GRID.indexOf(size), 0);
}
