/** Events of a recording: what a program asked for and gave back, in order of time, without addresses and without contents. */

/** What happened to a slot. */
export const KIND = { malloc: 0, free: 1, realloc: 2, aligned: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/**
 * Events in columns, `count` of each. A block is named by its slot: a small number that is free for another block when it is. Of the free
 * ones the one that became free last is taken.
 */
export interface Events {
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly slots: Uint32Array;
  /** Bytes asked for; 0 for a free. */
  readonly sizes: Float64Array;
  /** Binary logarithm of the alignment, for `aligned`; else 0. */
  readonly alignments: Uint8Array;
  /** Which thread, from 0 in the order of their first events. */
  readonly threads: Uint32Array;
  /** Nanoseconds since the recording began. */
  readonly times: Float64Array;
}

export interface RecordingHead {
  readonly version: 2;
  /** Name of the program, without its path and arguments. */
  readonly program: string;
  readonly events: number;
  /** How many blocks were in use at the same time at most. */
  readonly slots: number;
  readonly threads: number;
  /** In nanoseconds. */
  readonly duration: number;
  /** Bytes that were in use at the same time at most, as asked for. */
  readonly peakBytes: number;
  /** Of how many blocks one is here, with its whole life. */
  readonly sampledFrom: number;
}

export function makeEvents(count: number): Events {
  return {
    count,
    kinds: new Uint8Array(count),
    slots: new Uint32Array(count),
    sizes: new Float64Array(count),
    alignments: new Uint8Array(count),
    threads: new Uint32Array(count),
    times: new Float64Array(count),
  };
}

/** Hands out small numbers, the one given back last first. */
export class SlotNumbers {
  /** How many have been in use at the same time at most. */
  most = 0;
  private readonly free: number[] = [];

  take(): number {
    return this.free.pop() ?? this.most++;
  }

  give(slot: number): void {
    this.free.push(slot);
  }
}
