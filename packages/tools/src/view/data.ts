/** What the viewer's page gets: types alone, which it shares with the tools. Numbers are in bytes and nanoseconds unless said otherwise. */

/** Numbers as bytes: little-endian, compressed by gzip, in base64. */
export interface Packed {
  readonly type: "u8" | "u32" | "f64";
  readonly length: number;
  readonly data: string;
}

/** States of a page in a map; what is beyond is a slab of the class with that number less SLAB. */
export const PAGE_STATE = { none: 0, free: 1, metadata: 2, huge: 3, granules: 4, slab: 8 } as const;

/** The figures of a time line, in the order of its columns. */
export const SERIES = ["asked", "blocks", "committed"] as const;

/** A recording that was replayed under a profile. */
export interface RecordingView {
  readonly kind: "recording";
  readonly name: string;
  readonly program: string;
  readonly profile: string;
  readonly events: number;
  /** One in so many blocks is there; 1: all. */
  readonly sampledFrom: number;
  readonly threads: number;
  /** What time is counted in: recordings without times have calls. */
  readonly clock: "nanoseconds" | "calls";
  readonly duration: number;
  readonly peakBytes: number;
  readonly pageBytes: number;
  /** Sizes of the classes' blocks. */
  readonly classes: readonly number[];
  /** Equal parts of the time, each with the least and the most of each of SERIES: buckets × SERIES × 2. */
  readonly buckets: number;
  readonly line: Packed;
  /** Calls in each bucket. */
  readonly rate: Packed;
  /** Moments at which the whole heap is known: their times. */
  readonly times: Packed;
  /** Pages in each frame's map, one frame behind the other; of each page its state, and how much of it is in use, of 255. */
  readonly pages: Packed;
  readonly map: Packed;
  /** frames × classes × (slabs, blocks in use, blocks cached). */
  readonly classFigures: Packed;
  /** frames × threads × (bytes in use that it asked for, blocks, calls until then); of at most MOST_THREADS. */
  readonly threadFigures: Packed;
  /** Blocks in use at the frame with the most, as asked for, by address: address and size, in turn. */
  readonly peakFrame: number;
  readonly blocks: Packed;
}

export const MOST_THREADS = 64;

/** A call in a flame graph: what it and what it called have in use. */
export interface Flame {
  readonly name: string;
  /** Place in the sources, or empty. */
  readonly place: string;
  readonly value: number;
  readonly children: readonly Flame[];
}

/** What is known of a recording before it has been replayed: bytes asked for, over time. */
export interface OutlineView {
  readonly kind: "outline";
  readonly name: string;
  readonly events: number;
  readonly clock: RecordingView["clock"];
  readonly duration: number;
  readonly buckets: number;
  /** buckets × (least, most). */
  readonly line: Packed;
}

/** A heap profile. */
export interface ProfileView {
  readonly kind: "profile";
  readonly name: string;
  readonly flame: Flame;
}

/** A program that runs: what it was like a moment ago. */
export interface LiveView {
  readonly kind: "live";
  readonly name: string;
}

/** An answer to who asks for what a running program is like. */
export interface LiveMoment {
  readonly running: boolean;
  /** Whether the program has told its figures. */
  readonly isKnown: boolean;
  /** Since the program began. */
  readonly time: number;
  readonly live: number;
  readonly committed: number;
  readonly cached: number;
  readonly free: number;
  readonly classes: readonly {
    readonly blockSize: number;
    readonly slabs: number;
    readonly live: number;
    readonly cached: number;
  }[];
  readonly pageBytes: number;
  /** Addresses, and of each of the pages its state and how much of it is in use, of 255, in two hexadecimal digits each. */
  readonly superslabs: readonly { readonly at: number; readonly pages: string }[];
  readonly flame: Flame;
}

export type View = RecordingView | OutlineView | ProfileView | LiveView;
