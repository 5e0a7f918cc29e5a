/** From a raw recording to a recording: addresses become slots, and blocks get their ends. */

import { closeSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { ExplainedError, messageOf } from "../../base/errors.js";
import { KIND, makeEvents, SlotNumbers, type Events, type RecordingHead } from "./events.js";
import { BLOCK_EVENTS, encodeBlock, encodeHead, type Carry } from "./format.js";
import { openRawRecording, type RawEvent } from "./raw.js";
import { isKept } from "./sample.js";

/** Brotli's: above it time grows far more than files shrink. */
const QUALITY = 5;

export interface ConvertOptions {
  readonly raw: string;
  readonly output: string;
  /** Its name, where the raw recording has none. */
  readonly program: string;
  /** Keep about so many events: of some blocks all, of the others none. All by default. */
  readonly events?: number;
  /** Told how many events there have been, every {@link BLOCK_EVENTS}. */
  readonly onProgress?: (events: number) => void;
}

/**
 * Writes the recording, whole or not at all, and returns its head. Throws {@link ExplainedError} when the raw one is none, when it is
 * damaged, and when the output cannot be written.
 */
export function convertRecording({ raw, output, program, events: wanted, onProgress }: ConvertOptions): RecordingHead {
  const source = openRawRecording(raw);
  const [body, part] = [`${output}.body`, `${output}.part`];
  try {
    const share = wanted === undefined ? 1 : Math.min(1, wanted / countEvents(source.events()));
    const blocks = openSync(body, "w");
    const follower = new Follower(share, source.firstTicks, source.tick, (events, carry) => {
      writeSync(blocks, encodeBlock(events, carry, QUALITY));
      onProgress?.(follower.seen);
    });
    try {
      for (const event of source.events()) follower.follow(event);
      follower.finish();
    } finally {
      closeSync(blocks);
    }
    const head = follower.head(source.program || program);
    prepend(encodeHead(head), body, part);
    renameSync(part, output);
    return head;
  } catch (error) {
    if (error instanceof ExplainedError) throw error;
    throw new ExplainedError(`${output} cannot be written: ${messageOf(error)}`);
  } finally {
    source.close();
    for (const each of [body, part]) rmSync(each, { force: true });
  }
}

function countEvents(events: Iterable<RawEvent>): number {
  let count = 0;
  for (const _ of events) count++;
  return count;
}

/** The head says what is known only at the end: so it is written then, and the blocks behind it. */
function prepend(head: Buffer, body: string, part: string): void {
  const [to, from] = [openSync(part, "w"), openSync(body, "r")];
  try {
    writeSync(to, head);
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let bytes = readSync(from, buffer); bytes > 0; bytes = readSync(from, buffer)) writeSync(to, buffer, 0, bytes);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

/** Follows blocks from address to address, and numbers them by slots. */
class Follower {
  seen = 0;
  private readonly blocks = new Map<number, Block>();
  /** Blocks whose ends have not been seen when others were made in their place: those of another thread, a moment late, or lost. */
  private readonly displaced = new Map<number, Block[]>();
  private readonly numbers = new SlotNumbers();
  private readonly threads = new Map<number, number>();
  private readonly carry: Carry = { thread: 0, time: 0 };
  private readonly events = makeEvents(BLOCK_EVENTS);
  private filled = 0;
  private written = 0;
  private born = 0;
  private bytes = 0;
  private peakBytes = 0;
  private time = 0;

  constructor(
    private readonly share: number,
    private readonly firstTicks: number,
    private readonly tick: number,
    private readonly onBlock: (events: Events, carry: Carry) => void,
  ) {}

  follow(event: RawEvent): void {
    this.seen++;
    this.time = Math.max(this.time, (event.ticks - this.firstTicks) * this.tick);
    if (event.kind === KIND.free) this.end(event);
    else if (event.kind === KIND.realloc) this.resize(event);
    else this.begin(event, event.kind);
  }

  /** Frees what is still in use, as the end of a program does. */
  finish(): void {
    for (const block of [...this.blocks.values(), ...[...this.displaced.values()].flat()])
      if (block.slot >= 0) this.put(KIND.free, block.slot, 0, 0, 0);
    if (this.filled > 0) this.write();
  }

  head(program: string): RecordingHead {
    return {
      version: 2,
      program,
      events: this.written,
      slots: this.numbers.most,
      threads: this.threads.size,
      duration: Math.round(this.time),
      peakBytes: this.peakBytes,
      sampledFrom: 1 / this.share,
    };
  }

  private begin(event: RawEvent, kind: typeof KIND.malloc | typeof KIND.aligned): void {
    const block: Block = { slot: isKept(this.born++, this.share) ? this.numbers.take() : -1, size: event.size };
    this.place(event.address, block);
    if (block.slot < 0) return;
    this.count(event.size);
    this.put(kind, block.slot, event.size, event.alignment, this.threadOf(event));
  }

  private end(event: RawEvent): void {
    const block = this.remove(event.address);
    if (block === undefined || block.slot < 0) return;
    this.count(-block.size);
    this.numbers.give(block.slot);
    this.put(KIND.free, block.slot, 0, 0, this.threadOf(event));
  }

  private resize(event: RawEvent): void {
    const block = this.remove(event.old);
    // From before the recording began.
    if (block === undefined) return this.begin(event, KIND.malloc);
    this.place(event.address, block);
    if (block.slot >= 0) {
      this.count(event.size - block.size);
      this.put(KIND.realloc, block.slot, event.size, 0, this.threadOf(event));
    }
    block.size = event.size;
  }

  private place(address: number, block: Block): void {
    const before = this.blocks.get(address);
    if (before !== undefined) this.displaced.set(address, [...(this.displaced.get(address) ?? []), before]);
    this.blocks.set(address, block);
  }

  private remove(address: number): Block | undefined {
    const waiting = this.displaced.size === 0 ? undefined : this.displaced.get(address);
    const first = waiting?.shift();
    if (waiting?.length === 0) this.displaced.delete(address);
    if (first !== undefined) return first;
    const block = this.blocks.get(address);
    this.blocks.delete(address);
    return block;
  }

  private threadOf({ thread }: RawEvent): number {
    const known = this.threads.get(thread) ?? this.threads.size;
    this.threads.set(thread, known);
    return known;
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
  }

  private put(kind: number, slot: number, size: number, alignment: number, thread: number): void {
    const { events, filled } = this;
    events.kinds[filled] = kind;
    events.slots[filled] = slot;
    events.sizes[filled] = size;
    events.alignments[filled] = alignment;
    events.threads[filled] = thread;
    events.times[filled] = this.time;
    if (++this.filled === BLOCK_EVENTS) this.write();
  }

  private write(): void {
    this.onBlock({ ...this.events, count: this.filled }, this.carry);
    this.written += this.filled;
    this.filled = 0;
  }
}

interface Block {
  /** Below 0: not kept. */
  readonly slot: number;
  size: number;
}
