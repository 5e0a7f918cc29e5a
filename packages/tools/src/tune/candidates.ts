/** Profiles that are tried: of each setting the values that may pay, beside those of the profile that it starts from. */

import { constantsOf, ProfileError, type Profile } from "../profile/index.js";
import { CLASS_GRID, parseProfile } from "../profile/schema.js";
import type { Target } from "../profile/target.js";
import { fitClasses, slabShare, type Demand } from "./classes.js";
import type { Histogram } from "./histogram.js";

/** A profile and what is new in it. */
export interface Candidate {
  readonly label: string;
  readonly profile: Profile;
}

/** One setting, or several that depend on each other. */
export interface Dimension {
  readonly name: string;
  /** Profiles that differ from `profile` in this, valid ones, each once. */
  readonly from: (profile: Profile) => Candidate[];
}

/**
 * Bytes that a class costs whoever uses it, as a part of a page: the slab that is partly filled, and the one that stays. Fitted to the
 * slabs at the peaks of three recordings, with 7 to 45 classes: 0.62 to 1.01 pages a class (docs/experiments/023).
 */
const CLASS_PAGES = 7 / 8;

const LEAST_CLASSES = 8;
const MOST_CLASSES = 48;
/** The smallest page that goes with chosen classes. */
const LEAST_SHIFT_CLASSES = 14;
/** Where memory is virtual the page has so many bits at least. */
const NATIVE_SHIFT = 16;
/** Below this no step of growth, a thirty-second of what there is, is as large as a limit that could be set. */
const LEAST_PEAK_FOR_LIMIT = 64 * 2 ** 20;

/** What weighs: blocks at the peak, on average over time, or both alike. */
const JUDGED = ["peak", "time", "both"] as const;
type JudgedBy = (typeof JUDGED)[number];

/** What may be changed of a profile for `target`, in the order in which it is tried: what changes most comes first. */
export function dimensionsFor(histograms: readonly Histogram[], target: Target): Dimension[] {
  const native = target === "native";
  const peak = Math.max(...histograms.map(({ peakBytes }) => peakBytes));
  const dimension = (name: string, changes: (profile: Profile) => Candidate[]): Dimension => ({
    name,
    from: (profile) => distinct(profile, changes(profile), target),
  });
  return [
    dimension("classes and pageShift", (profile) =>
      (native ? [profile.pageShift] : [12, 13, 14, 15, 16]).flatMap((pageShift) => [
        changed(`pageShift ${pageShift}, standard classes`, profile, { pageShift, classes: "standard" }),
        ...fitted(profile, histograms, pageShift, native),
      ]),
    ),
    dimension("cache.maxBytes", (profile) =>
      [16, 64, 256, 1024].map((kib) =>
        changed(`cache.maxBytes ${kib} KiB`, profile, { cache: { ...profile.cache, maxBytes: kib * 1024 } }),
      ),
    ),
    dimension("cache.maxBlocks", (profile) =>
      [64, 256, 2048, 8192].map((maxBlocks) =>
        changed(`cache.maxBlocks ${maxBlocks}`, profile, { cache: { ...profile.cache, maxBlocks } }),
      ),
    ),
    dimension("cache.minBlocks", (profile) =>
      [4, 16, 64].map((minBlocks) =>
        changed(`cache.minBlocks ${minBlocks}`, profile, { cache: { ...profile.cache, minBlocks } }),
      ),
    ),
    dimension("grow", (profile) => [
      ...[1, 16, 64].map((firstPages) =>
        changed(`grow.firstPages ${firstPages}`, profile, { grow: { ...profile.grow, firstPages } }),
      ),
      ...(peak < LEAST_PEAK_FOR_LIMIT
        ? []
        : [changed("grow.maxBytes 1 MiB", profile, { grow: { ...profile.grow, maxBytes: 2 ** 20 } })]),
    ]),
    ...(native
      ? [
          dimension("retain", (profile) => [
            ...[0, 100, 10_000].map((milliseconds) =>
              changed(`retain.milliseconds ${milliseconds}`, profile, { retain: { ...profile.retain, milliseconds } }),
            ),
            changed("retain.bytes 16 MiB", profile, { retain: { ...profile.retain, bytes: 16 * 2 ** 20 } }),
          ]),
        ]
      : []),
  ];
}

/** Classes fitted to what programs ask for, by each of the weights; none where they ask for nothing that classes are chosen for. */
function fitted(profile: Profile, histograms: readonly Histogram[], pageShift: number, native: boolean): Candidate[] {
  if (pageShift < LEAST_SHIFT_CLASSES) return [];
  const page = 2 ** (native ? Math.max(pageShift, NATIVE_SHIFT) : pageShift);
  return JUDGED.flatMap((by) => {
    const demands = histograms.map((histogram) => demandOf(histogram, by));
    if (demands.every(({ weights }) => weights.length === 0)) return [];
    const { classes } = fitClasses(demands, {
      grid: CLASS_GRID,
      least: LEAST_CLASSES,
      most: MOST_CLASSES,
      penalty: CLASS_PAGES * page,
      blockBytes: slabShare(page),
    });
    const what = by === "both" ? "peak and time" : by;
    return [changed(`pageShift ${pageShift}, ${classes.length} classes by ${what}`, profile, { pageShift, classes })];
  });
}

/** Recordings count alike: a byte of one that has few weighs more. */
function demandOf({ sizes, peakBytes }: Histogram, by: JudgedBy): Demand {
  const largest = CLASS_GRID.at(-1) ?? 0;
  return {
    scale: 2 ** 20 / Math.max(peakBytes, 1),
    weights: sizes
      .filter(({ size }) => size <= largest)
      .map(({ size, atPeak, mean }) => ({
        size,
        blocks: by === "peak" ? atPeak : by === "time" ? mean : (atPeak + mean) / 2,
      })),
  };
}

function changed(label: string, profile: Profile, change: Partial<Profile>): Candidate {
  return { label, profile: { ...profile, ...change } };
}

/** Those that are profiles, fit the target, and mean something else than `profile` and each other. */
function distinct(profile: Profile, candidates: readonly Candidate[], target: Target): Candidate[] {
  const known = new Set([meaningOf(profile, target)]);
  return candidates.filter(({ profile: other }) => {
    const meaning = meaningOf(other, target);
    if (meaning === undefined || known.has(meaning)) return false;
    known.add(meaning);
    return true;
  });
}

/** What becomes of a profile; undefined where it is none, or not for the target. */
function meaningOf(profile: Profile, target: Target): string | undefined {
  try {
    return JSON.stringify(constantsOf(parseProfile(profile, profile.name), target));
  } catch (error) {
    if (error instanceof ProfileError) return undefined;
    throw error;
  }
}
