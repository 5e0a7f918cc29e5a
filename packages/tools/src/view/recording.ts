/**
 * A recording as the page shows it. It is replayed once, by one thread, in order of time: what was asked for is exact, and where blocks lie is
 * where this profile puts them in WebAssembly.
 */

import { ExplainedError } from "../base/errors.js";
import { KIND, type Events } from "../observe/recording/events.js";
import type { Recording } from "../observe/recording/format.js";
import { MOST_THREADS, SERIES, type RecordingView } from "./data.js";
import { committedBytes, mapOf, type ReplayHeap } from "./heap.js";
import { pack } from "./pack.js";

const BUCKETS = 1 << 14;
const FRAMES = 240;
/** Pages in all frames' maps together. */
const MOST_MAPPED = 1 << 23;
/** Blocks of the largest frame that the page is told one by one. */
const MOST_BLOCKS = 200_000;
const FIGURES = 3;
/** All blocks are of multiples of so many bytes. */
const UNIT = 16;

/** Rejects with {@link ExplainedError} when the recording is damaged, or needs more memory than WebAssembly has. */
export async function viewRecording(name: string, recording: Recording, heap: ReplayHeap): Promise<RecordingView> {
  const { head } = recording;
  if (head.events === 0) throw new ExplainedError(`${name} has no events`);
  const replay = new Replay(name, recording, heap);
  for (const events of recording.blocks()) {
    replay.run(events);
    // Whoever waits for the first picture gets it meanwhile.
    await new Promise(setImmediate);
  }
  return replay.view();
}

/** By slots. */
interface Blocks {
  readonly addresses: Uint32Array;
  readonly sizes: Float64Array;
  readonly live: Uint8Array;
}

class Replay {
  private readonly addresses: Uint32Array;
  private readonly sizes: Float64Array;
  private readonly blockBytes: Uint32Array;
  private readonly owners: Uint8Array;
  private readonly live: Uint8Array;
  private readonly span: number;
  /** Whether the recording has times. */
  private readonly timed: boolean;
  private seen = 0;
  private readonly line = new Float64Array(BUCKETS * SERIES.length * 2);
  private readonly rate = new Uint32Array(BUCKETS);
  private readonly times: number[] = [];
  private readonly maps: Uint8Array[] = [];
  private readonly classFigures: Uint32Array[] = [];
  private readonly threadFigures: Float64Array[] = [];
  private readonly threads: Float64Array;
  private readonly classLive: Uint32Array;
  /** By sixteenths of its blocks' size: the number of a class and one. */
  private readonly classIndex: Uint8Array;
  private readonly now = [0, 0, 0];
  private readonly before = [0, 0, 0];
  private bucket = -1;
  private nextFrame = 0;
  private frames = FRAMES;
  private mapped = 0;
  private peak = 0;
  private peakFrame = 0;
  /** As they were at the frame with the most. */
  private atPeak: Blocks | undefined;

  constructor(
    private readonly name: string,
    private readonly recording: Recording,
    private readonly heap: ReplayHeap,
  ) {
    const { head } = recording;
    this.addresses = new Uint32Array(head.slots);
    this.sizes = new Float64Array(head.slots);
    this.blockBytes = new Uint32Array(head.slots);
    this.owners = new Uint8Array(head.slots);
    this.live = new Uint8Array(head.slots);
    this.timed = head.duration > 0;
    this.span = this.timed ? head.duration + 1 : head.events;
    this.threads = new Float64Array(Math.min(MOST_THREADS, Math.max(1, head.threads)) * FIGURES);
    this.classLive = new Uint32Array(heap.classes.length);
    this.classIndex = new Uint8Array((heap.classes.at(-1) ?? 0) / UNIT + 1);
    heap.classes.forEach((size, index) => (this.classIndex[size / UNIT] = index + 1));
  }

  run({ count, kinds, slots, sizes, alignments, threads, times }: Events): void {
    const { heap } = this.heap;
    for (let i = 0; i < count; i++) {
      const time = this.timed ? Math.min(times[i] ?? 0, this.span - 1) : this.seen++;
      if (time >= this.nextFrame) this.frame(time);
      const slot = slots[i] ?? 0;
      const kind = kinds[i] ?? 0;
      const size = sizes[i] ?? 0;
      const thread = Math.min(threads[i] ?? 0, this.threads.length / FIGURES - 1);
      if (kind === KIND.free) {
        this.remove(slot);
        heap.free(this.addresses[slot] ?? 0);
      } else {
        if (kind === KIND.realloc) this.remove(slot);
        this.addresses[slot] =
          kind === KIND.malloc
            ? heap.malloc(size)
            : kind === KIND.realloc
              ? heap.realloc(this.addresses[slot] ?? 0, size)
              : heap.aligned_alloc(2 ** (alignments[i] ?? 4), size);
        if (this.addresses[slot] === 0)
          throw new ExplainedError(`${this.name} needs more than the 4 GiB that WebAssembly has to be replayed`);
        this.add(slot, size, thread);
        if (this.peak < this.now[0]! && this.now[0]! >= this.recording.head.peakBytes) this.frame(time);
      }
      this.threads[thread * FIGURES + 2]! += 1;
      this.note(time);
    }
  }

  private add(slot: number, size: number, thread: number): void {
    this.sizes[slot] = size;
    this.blockBytes[slot] = this.heap.heap.malloc_usable_size(this.addresses[slot] ?? 0) >>> 0;
    this.owners[slot] = thread;
    this.live[slot] = 1;
    this.count(slot, 1);
  }

  private remove(slot: number): void {
    this.live[slot] = 0;
    this.count(slot, -1);
  }

  private count(slot: number, by: number): void {
    const size = this.sizes[slot] ?? 0;
    const bytes = this.blockBytes[slot] ?? 0;
    this.now[0]! += by * size;
    this.now[1]! += by * bytes;
    const at = (this.owners[slot] ?? 0) * FIGURES;
    this.threads[at]! += by * size;
    this.threads[at + 1]! += by;
    const cls = this.classIndex[bytes / UNIT] ?? 0;
    if (cls !== 0) this.classLive[cls - 1]! += by;
  }

  private note(time: number): void {
    const bucket = Math.floor((time / this.span) * BUCKETS);
    this.rate[bucket]!++;
    if (bucket !== this.bucket) {
      this.now[2] = committedBytes(this.heap);
      // What nothing happens in is as it was before.
      for (let each = this.bucket + 1; each < bucket; each++) this.fill(each, this.before);
      this.fill(bucket, this.now);
      this.bucket = bucket;
    }
    const { line, now, before } = this;
    const at = bucket * SERIES.length * 2;
    for (let series = 0; series < SERIES.length; series++) {
      const value = now[series]!;
      if (value < line[at + 2 * series]!) line[at + 2 * series] = value;
      if (value > line[at + 2 * series + 1]!) line[at + 2 * series + 1] = value;
      before[series] = value;
    }
  }

  private fill(bucket: number, values: readonly number[]): void {
    values.forEach((value, series) => {
      this.line.fill(value, (bucket * SERIES.length + series) * 2, (bucket * SERIES.length + series + 1) * 2);
    });
  }

  private frame(time: number): void {
    const { map, slabs, away } = mapOf(this.heap);
    this.mapped += map.length / 2;
    if (this.mapped > MOST_MAPPED && this.frames > FRAMES / 8) this.thinOut();
    this.times.push(time);
    this.maps.push(map);
    const classes = new Uint32Array(slabs.length * FIGURES);
    slabs.forEach((count, index) => {
      const live = this.classLive[index] ?? 0;
      classes.set([count, live, Math.max(0, (away[index] ?? 0) - live)], index * FIGURES);
    });
    this.classFigures.push(classes);
    this.threadFigures.push(this.threads.slice());
    if (this.now[0]! >= this.peak) {
      this.peak = this.now[0]!;
      this.peakFrame = this.times.length - 1;
      const { addresses, sizes, live } = this;
      this.atPeak = { addresses: addresses.slice(), sizes: sizes.slice(), live: live.slice() };
    }
    this.nextFrame = (Math.floor((time / this.span) * this.frames) + 1) * (this.span / this.frames);
  }

  /** Every second frame goes: maps have become large. */
  private thinOut(): void {
    this.frames /= 2;
    const keep = <T>(list: T[]): void =>
      void list.splice(0, list.length, ...list.filter((_, n) => n % 2 === 0 || n === this.peakFrame));
    const peakTime = this.times[this.peakFrame];
    for (const list of [this.times, this.maps, this.classFigures, this.threadFigures]) keep(list as unknown[]);
    this.peakFrame = Math.max(0, this.times.indexOf(peakTime ?? 0));
    this.mapped = this.maps.reduce((sum, map) => sum + map.length / 2, 0);
  }

  view(): RecordingView {
    const { head } = this.recording;
    this.now[2] = committedBytes(this.heap);
    for (let each = this.bucket + 1; each < BUCKETS; each++) this.fill(each, this.now);
    return {
      kind: "recording",
      name: this.name,
      program: head.program,
      profile: this.heap.profile,
      events: head.events,
      sampledFrom: head.sampledFrom,
      threads: head.threads,
      clock: this.timed ? "nanoseconds" : "calls",
      duration: this.span,
      peakBytes: head.peakBytes,
      pageBytes: 2 ** this.heap.pageShift,
      classes: this.heap.classes,
      buckets: BUCKETS,
      line: pack(this.line),
      rate: pack(this.rate),
      times: pack(Float64Array.from(this.times)),
      pages: pack(Uint32Array.from(this.maps, ({ length }) => length / 2)),
      map: pack(joined(this.maps)),
      classFigures: pack(Uint32Array.from(this.classFigures.flatMap((each) => [...each]))),
      threadFigures: pack(Float64Array.from(this.threadFigures.flatMap((each) => [...each]))),
      peakFrame: this.peakFrame,
      blocks: pack(this.atPeak === undefined ? new Float64Array(0) : liveBlocks(this.atPeak)),
    };
  }
}

/** Addresses and sizes in turn, by address. */
function liveBlocks({ addresses, sizes, live }: Blocks): Float64Array<ArrayBuffer> {
  const slots = Uint32Array.from({ length: addresses.length }, (_, slot) => slot).filter((slot) => live[slot] === 1);
  const shown = slots.subarray(0, MOST_BLOCKS).sort((a, b) => (addresses[a] ?? 0) - (addresses[b] ?? 0));
  const blocks = new Float64Array(2 * shown.length);
  shown.forEach((slot, at) => {
    blocks.set([addresses[slot] ?? 0, sizes[slot] ?? 0], 2 * at);
  });
  return blocks;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
