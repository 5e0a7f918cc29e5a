/**
 * The file format of recordings.
 *
 *   ├ "HKT2" ┼ length u32 ┼ head: JSON ┤ blocks: ├ length u32 ┼ events u32 ┼ Brotli of the columns ┤ …        numbers little-endian
 *
 * The columns of a block's events, one behind the other, each as its length in bytes (u32) and varints:
 *
 *   kinds     kind | 4 when the thread is another one than the event's before
 *   threads   where it is: which
 *   sizes     of all but frees, in bytes
 *   aligned   binary logarithms of alignments, where the kind says so
 *   slots     of frees and reallocs; the others take the slot that became free last, or a new one
 *   times     since the event before, in units of 64 ns
 *
 * Each block is whole in itself but for the slots in use. A recording is written when its program has ended, whole or not at all: one whose end is
 * missing is refused.
 */

import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { ExplainedError, messageOf } from "../../base/errors.js";
import { KIND, makeEvents, SlotNumbers, type Events, type RecordingHead } from "./events.js";
import { VarintReader, VarintWriter } from "./varint.js";

export const MAGIC = "HKT2";
export const BLOCK_EVENTS = 1 << 18;
const U32 = 4;
const OTHER_THREAD = 4;
export const TIME_UNIT = 64;
const COLUMNS = 6;
const MOST_HEAD_BYTES = 1 << 20;

export function encodeHead(head: RecordingHead): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  return Buffer.concat([Buffer.from(MAGIC), u32(json.length), json]);
}

/** What goes from one block to the next. */
export interface Carry {
  thread: number;
  /** In units. */
  time: number;
}

/** `quality`: Brotli's, from 0 to 11. */
export function encodeBlock(events: Events, carry: Carry, quality: number): Buffer {
  const columns = Array.from({ length: COLUMNS }, () => new VarintWriter());
  const [kinds, threads, sizes, aligned, slots, times] = columns as [
    ...[VarintWriter, VarintWriter, VarintWriter, VarintWriter, VarintWriter, VarintWriter],
  ];
  for (let i = 0; i < events.count; i++) {
    const kind = events.kinds[i] ?? 0;
    const thread = events.threads[i] ?? 0;
    const time = Math.floor((events.times[i] ?? 0) / TIME_UNIT);
    kinds.put(thread === carry.thread ? kind : kind | OTHER_THREAD);
    if (thread !== carry.thread) threads.put(thread);
    if (kind !== KIND.free) sizes.put(events.sizes[i] ?? 0);
    if (kind === KIND.aligned) aligned.put(events.alignments[i] ?? 0);
    if (kind === KIND.free || kind === KIND.realloc) slots.put(events.slots[i] ?? 0);
    times.put(Math.max(0, time - carry.time));
    carry.thread = thread;
    carry.time = Math.max(carry.time, time);
  }
  const plain = Buffer.concat(
    columns.flatMap((column) => {
      const bytes = column.take();
      return [u32(bytes.length), bytes];
    }),
  );
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  const packed = brotliCompressSync(plain, { params });
  return Buffer.concat([u32(packed.length), u32(events.count), packed]);
}

/** A recording that is read: what it says of itself, and its blocks in order. */
export interface Recording {
  readonly head: RecordingHead;
  readonly blocks: () => Generator<Events>;
}

/** Throws {@link ExplainedError} when `file` is no recording; its blocks do when what they need is missing or damaged. */
export function decodeRecording(file: Uint8Array, name: string): Recording {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const magic = buffer.toString("latin1", 0, MAGIC.length);
  if (magic !== MAGIC)
    throw new ExplainedError(
      `${name} is not a recording: it begins with ${JSON.stringify(magic)} instead of "${MAGIC}"`,
    );
  const headBytes = buffer.length < 2 * U32 ? MOST_HEAD_BYTES + 1 : buffer.readUInt32LE(U32);
  const start = 2 * U32 + headBytes;
  if (headBytes > MOST_HEAD_BYTES || start > buffer.length)
    throw new ExplainedError(`${name}: the end of its head is missing`);
  const head = parseHead(buffer.toString("utf8", 2 * U32, start), name);
  return { head, blocks: () => decodeBlocks(buffer.subarray(start), name, head) };
}

function parseHead(text: string, name: string): RecordingHead {
  let head: Partial<RecordingHead> | null = null;
  try {
    head = JSON.parse(text) as Partial<RecordingHead> | null;
  } catch {
    // Said below.
  }
  const numbers = [head?.events, head?.slots, head?.threads, head?.duration, head?.peakBytes, head?.sampledFrom];
  if (isCount(head?.slots) && isCount(head?.events) && head!.slots! > head!.events!)
    throw new ExplainedError(`${name}: its head is damaged: more slots than events`);
  if (head?.version !== 2 || typeof head.program !== "string" || numbers.some((value) => !isCount(value)))
    throw new ExplainedError(`${name}: its head is damaged, or of another version than 2`);
  return head as RecordingHead;
}

const isCount = (value: number | undefined): boolean =>
  typeof value === "number" && Number.isSafeInteger(Math.floor(value)) && value >= 0;

function* decodeBlocks(buffer: Buffer, name: string, head: RecordingHead): Generator<Events> {
  const carry: Carry = { thread: 0, time: 0 };
  const numbers = new SlotNumbers();
  let read = 0;
  for (let at = 0; at < buffer.length;) {
    const [bytes, count] =
      at + 2 * U32 > buffer.length ? [0, 0] : [buffer.readUInt32LE(at), buffer.readUInt32LE(at + U32)];
    const from = at + 2 * U32;
    at = from + bytes;
    if (count === 0 || count > BLOCK_EVENTS || at > buffer.length)
      throw new ExplainedError(missingEnd(name, read, head));
    try {
      yield decodeBlock(brotliDecompressSync(buffer.subarray(from, at)), count, carry, numbers);
    } catch (error) {
      throw new ExplainedError(`${name} is damaged behind event ${read}: ${messageOf(error)}`);
    }
    read += count;
  }
  if (read !== head.events) throw new ExplainedError(missingEnd(name, read, head));
}

const missingEnd = (name: string, read: number, { events }: RecordingHead): string =>
  `${name}: its end is missing; ${read} of ${events} events are there`;

function decodeBlock(plain: Buffer, count: number, carry: Carry, numbers: SlotNumbers): Events {
  const readers: VarintReader[] = [];
  for (let at = 0, column = 0; column < COLUMNS; column++) {
    const bytes = plain.readUInt32LE(at);
    readers.push(new VarintReader(plain, at + U32, at + U32 + bytes));
    at += U32 + bytes;
  }
  const [kinds, threads, sizes, aligned, slots, times] = readers as [
    ...[VarintReader, VarintReader, VarintReader, VarintReader, VarintReader, VarintReader],
  ];
  const events = makeEvents(count);
  for (let i = 0; i < count; i++) {
    const mark = kinds.next();
    const kind = mark & 3;
    if (mark & OTHER_THREAD) carry.thread = threads.next();
    carry.time += times.next();
    const isNew = kind === KIND.malloc || kind === KIND.aligned;
    const slot = isNew ? numbers.take() : slots.next();
    if (slot >= numbers.most) throw new RangeError(`slot ${slot} has not been taken`);
    if (kind === KIND.free) numbers.give(slot);
    events.kinds[i] = kind;
    events.slots[i] = slot;
    events.sizes[i] = kind === KIND.free ? 0 : sizes.next();
    events.alignments[i] = kind === KIND.aligned ? aligned.next() : 0;
    events.threads[i] = carry.thread;
    events.times[i] = carry.time * TIME_UNIT;
  }
  return events;
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(U32);
  bytes.writeUInt32LE(value);
  return bytes;
}
