/** Reading what native/recording.h writes, whose comment has the layout, and putting the events of all threads in order. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ExplainedError } from "../../base/errors.js";
import { KIND, type Kind } from "./events.js";
import { VarintReader } from "./varint.js";

const MAGIC = "HKCALLS";
const CHUNK = 1 << 16;
/** Bytes of a chunk's head where heaps in JavaScript write it, and natively: there it has a second moment, and the program's name. */
const HEAD = 56;
const NATIVE_HEAD = 96;
const NATIVE_VERSION = "2";
const PROGRAM = 72;
const UNIT_BYTES = 8;

/** A call, by addresses. One object serves for all events: what is needed longer must be copied. */
export interface RawEvent {
  kind: Kind;
  /** System's number of the thread. */
  thread: number;
  ticks: number;
  /** Of the block that there is now, or was until now. */
  address: number;
  /** Of the block that was resized. */
  old: number;
  size: number;
  alignment: number;
}

interface ChunkHead {
  readonly number: number;
  readonly thread: number;
  readonly ticks: number;
  readonly nanoseconds: number;
  readonly used: number;
  /** Where the events begin. */
  readonly head: number;
  /** A later moment, where it is known. */
  readonly later: Moment | undefined;
  readonly program: string;
}

interface Moment {
  readonly ticks: number;
  readonly nanoseconds: number;
}

/** A raw recording: open until `close`. */
export interface RawRecording {
  /** Nanoseconds of a tick. */
  readonly tick: number;
  readonly firstTicks: number;
  /** The program's name as the system has it; empty where it is not known. */
  readonly program: string;
  /** Throws {@link ExplainedError} for events that are none. */
  readonly events: () => Generator<RawEvent>;
  readonly close: () => void;
}

/** Whether a file begins as a raw recording does. */
export function isRawRecording(name: string): boolean {
  const file = openSync(name, "r");
  try {
    const buffer = Buffer.alloc(MAGIC.length);
    readSync(file, buffer, 0, MAGIC.length, 0);
    return buffer.toString("latin1") === MAGIC;
  } finally {
    closeSync(file);
  }
}

/** Throws {@link ExplainedError} when the file is no raw recording. Chunks that have no events are passed over. */
export function openRawRecording(name: string): RawRecording {
  const file = openSync(name, "r");
  try {
    const heads = readHeads(file, name);
    const byThread = new Map<number, ChunkHead[]>();
    for (const head of heads) byThread.set(head.thread, [...(byThread.get(head.thread) ?? []), head]);
    // Chunks of several workers come in any order.
    const moments: readonly Moment[] = heads.flatMap((head) =>
      head.later === undefined ? [head] : [head, head.later],
    );
    const first = moments.reduce((a, b) => (b.ticks < a.ticks ? b : a));
    const last = moments.reduce((a, b) => (b.ticks > a.ticks ? b : a));
    return {
      tick: last.ticks > first.ticks ? (last.nanoseconds - first.nanoseconds) / (last.ticks - first.ticks) : 1,
      firstTicks: first.ticks,
      program: heads[0]?.program ?? "",
      events: () => merge([...byThread.values()].map((chunks) => new ThreadEvents(file, name, chunks))),
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readHeads(file: number, name: string): ChunkHead[] {
  const chunks = Math.floor(fstatSync(file).size / CHUNK);
  const buffer = Buffer.alloc(NATIVE_HEAD);
  const heads: ChunkHead[] = [];
  for (let number = 0; number < chunks; number++) {
    readSync(file, buffer, 0, NATIVE_HEAD, number * CHUNK);
    const isChunk = buffer.toString("latin1", 0, MAGIC.length) === MAGIC;
    if (number === 0 && !isChunk)
      throw new ExplainedError(`${name} is not a raw recording: it does not begin with ${MAGIC}`);
    // One that a thread was about to begin when the program was killed has no head.
    if (!isChunk) continue;
    const word = (index: number): number => Number(buffer.readBigUInt64LE(8 * index));
    const isNative = buffer.toString("latin1", MAGIC.length, MAGIC.length + 1) === NATIVE_VERSION;
    const [head, used] = [isNative ? NATIVE_HEAD : HEAD, word(6)];
    if (head + used > CHUNK) throw new ExplainedError(`${name} is damaged: chunk ${number} says it has ${used} bytes`);
    const later = isNative && word(7) > 0 ? { ticks: word(7), nanoseconds: word(8) } : undefined;
    const program = isNative ? buffer.toString("utf8", PROGRAM, NATIVE_HEAD).replace(/\0.*$/s, "") : "";
    heads.push({ number, thread: word(2), ticks: word(4), nanoseconds: word(5), used, head, later, program });
  }
  if (heads.length === 0) throw new ExplainedError(`${name} is not a raw recording: it is too short`);
  return heads;
}

/** The events of one thread, in its own order. */
class ThreadEvents {
  readonly event: RawEvent;
  private readonly buffer = Buffer.allocUnsafe(CHUNK);
  private reader = new VarintReader(this.buffer, 0, 0);
  private next = 0;
  private lastAddress = 0;
  private lastTicks = 0;

  constructor(
    private readonly file: number,
    private readonly name: string,
    private readonly chunks: readonly ChunkHead[],
  ) {
    const thread = chunks[0]?.thread ?? 0;
    this.event = { kind: KIND.malloc, thread, ticks: 0, address: 0, old: 0, size: 0, alignment: 0 };
  }

  /** Whether there was one more. */
  advance(): boolean {
    while (this.reader.isAtEnd) if (!this.openNext()) return false;
    const { event, reader } = this;
    try {
      const word = reader.next();
      event.kind = [KIND.malloc, KIND.free, KIND.realloc, KIND.aligned][word % 4] ?? KIND.malloc;
      event.ticks = this.lastTicks += Math.floor(word / 4);
      event.size = event.kind === KIND.free ? 0 : reader.next();
      if (event.kind === KIND.realloc) event.old = this.address();
      event.address = this.address();
      if (event.kind === KIND.realloc) reader.next();
      event.alignment = event.kind === KIND.aligned ? reader.next() : 0;
    } catch {
      throw new ExplainedError(`${this.name} is damaged in chunk ${this.chunks[this.next - 1]?.number}`);
    }
    return true;
  }

  private address(): number {
    this.lastAddress += this.reader.nextSigned();
    return this.lastAddress * UNIT_BYTES;
  }

  private openNext(): boolean {
    const head = this.chunks[this.next++];
    if (head === undefined) return false;
    readSync(this.file, this.buffer, 0, head.head + head.used, head.number * CHUNK);
    this.reader = new VarintReader(this.buffer, head.head, head.head + head.used);
    this.lastAddress = 0;
    this.lastTicks = head.ticks;
    return true;
  }
}

/** All threads' events by time: a heap of threads, the one with the earliest event on top. */
function* merge(threads: ThreadEvents[]): Generator<RawEvent> {
  const heap: ThreadEvents[] = [];
  const time = (at: number): number => heap[at]?.event.ticks ?? Number.POSITIVE_INFINITY;
  const swap = (a: number, b: number): void => {
    const [x, y] = [heap[a], heap[b]];
    if (x !== undefined && y !== undefined) [heap[a], heap[b]] = [y, x];
  };
  const sink = (from: number): void => {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const least = time(left + 1) < time(left) ? left + 1 : left;
      if (time(least) >= time(at)) return;
      swap(at, least);
      at = least;
    }
  };
  for (const thread of threads) if (thread.advance()) heap.push(thread);
  for (let at = heap.length >> 1; at >= 0; at--) sink(at);
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top.event;
    if (top.advance()) {
      sink(0);
      continue;
    }
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) heap[0] = last;
    sink(0);
  }
}
