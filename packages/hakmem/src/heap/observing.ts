/** What programs get when they have a heap observed. */

import type { ProfileData, ProfileMark } from "../observe/profiler.js";

/** What `startProfile` is told. */
export interface ProfileOptions {
  /** Mean distance of samples in bytes, from 1, which takes every block, to 2^30; 512 KiB unless given. */
  readonly bytes?: number;
}

/** A sample of a heap's blocks that goes on until `stop()`. It sees what its own thread does. */
export interface HeapProfiling {
  /** What is in use now; with a mark, of what was asked for since then. */
  read(since?: ProfileMark): ProfileData;
  /** This moment, for `read`: what is alive of what was asked for after it may be a leak. */
  mark(): ProfileMark;
  /** Ends the sample and returns what is in use. */
  stop(since?: ProfileMark): ProfileData;
}

/** What `record` is told. */
export interface RecordOptions {
  /**
   * Gets each 64 KiB as they are full; without it all are kept until `stop()`. What it does with the heap is not recorded; what it
   * throws ends the recording, and is thrown by `stop()`.
   */
  readonly onChunk?: (chunk: Uint8Array<ArrayBuffer>) => void;
}

/** A recording of a heap's calls that goes on until `stop()`. It sees what its own thread does. */
export interface HeapRecording {
  /** Calls until now. */
  readonly events: number;
  /**
   * Ends the recording and returns it, as `hakmem replay` reads it; with `onChunk`, which has got all, nothing. Recordings of a heap's
   * workers, one behind the other, are one of all.
   */
  stop(): Uint8Array<ArrayBuffer>;
}
