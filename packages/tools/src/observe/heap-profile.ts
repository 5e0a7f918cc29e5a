/** What a heap profile says, wherever it was sampled; what is written for viewers (./formats) and for people (./leaks.ts) is made of it. */

/** A call on a stack. */
export interface Frame {
  readonly name: string;
  /** Source file, or the program or library when it is not known; empty when neither is. */
  readonly file: string;
  /** From 1; 0 when it is not known. */
  readonly line: number;
}

/** What has been asked for by one stack. Estimated from the sample, in bytes and in blocks; `live` is what has not been freed. */
export interface Site {
  /** The innermost call first. */
  readonly stack: readonly Frame[];
  readonly bytes: number;
  readonly objects: number;
  readonly liveBytes: number;
  readonly liveObjects: number;
}

/** A block of the sample that has not been freed. */
export interface LiveBlock {
  readonly site: Site;
  /** What was asked for, in bytes. */
  readonly size: number;
  /** How many bytes it stands for, and how many blocks of its size. */
  readonly weight: number;
  readonly objects: number;
  /** Nanoseconds, from when it was asked for to the profile's end. */
  readonly age: number;
}

/**
 * Where a heap is sampled a block counts one more byte than it has, so that empty ones are seen, too. What its weight of such bytes is in blocks and
 * in bytes.
 */
export function standsFor(size: number, weight: number): { readonly objects: number; readonly weight: number } {
  const objects = weight / (size + 1);
  return { objects, weight: objects * size };
}

/** As `standsFor`, of a site's sums. */
export function withoutOnes<T extends Omit<Site, "stack">>(site: T): T {
  const { bytes, objects, liveBytes, liveObjects } = site;
  return { ...site, bytes: Math.max(0, bytes - objects), liveBytes: Math.max(0, liveBytes - liveObjects) };
}

export interface HeapProfile {
  /** The program's process. */
  readonly pid: number;
  /** Mean distance of samples in bytes; 1: every block is there. */
  readonly rate: number;
  /** How long it took, in nanoseconds. */
  readonly duration: number;
  readonly samples: number;
  /** Samples for which there was no room. */
  readonly lost: number;
  readonly sites: readonly Site[];
  readonly live: readonly LiveBlock[];
}
