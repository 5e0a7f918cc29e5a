/**
 * The file format of traces: what a program asked for and when it gave it back, without addresses and without contents.
 *
 *   ├ "HKT1" ┼ slots u32 ┼ events u32 ┼ Brotli of one record an event ┤        numbers little-endian
 *
 *   record   varint: size << 2 | 0              malloc into the slot that became free last, or a new one
 *            varint: slot << 2 | 1              free
 *            varint: slot << 2 | 2, varint size realloc
 *
 * Slots are numbered so that small numbers are used again first; what is decoded names every slot.
 */

import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

export const MALLOC = 0;
export const FREE = 1;
export const REALLOC = 2;

const MAGIC = "HKT1";
const HEADER_BYTES = 12;

export interface Trace {
  /** Two numbers an event, as the driver reads them: `slot << 2 | kind`, and the size in bytes (0 for a free). */
  readonly events: Uint32Array;
  /** How many slots are in use at the same time at most. */
  readonly slots: number;
}

export function encodeTrace({ events, slots }: Trace): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < events.length; i += 2) {
    const [word = 0, size = 0] = [events[i], events[i + 1]];
    if ((word & 3) === MALLOC) putVarint(bytes, size * 4);
    else putVarint(bytes, word);
    if ((word & 3) === REALLOC) putVarint(bytes, size);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC);
  header.writeUInt32LE(slots, 4);
  header.writeUInt32LE(events.length / 2, 8);
  const body = brotliCompressSync(Uint8Array.from(bytes), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } });
  return Buffer.concat([header, body]);
}

/** Throws when `file` is not a trace of this version. */
export function decodeTrace(file: Uint8Array): Trace {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const magic = buffer.toString("latin1", 0, MAGIC.length);
  if (magic !== MAGIC) throw new Error(`not a trace: it begins with ${JSON.stringify(magic)} instead of "${MAGIC}"`);
  const slots = buffer.readUInt32LE(4);
  const events = new Uint32Array(2 * buffer.readUInt32LE(8));
  const reader = new VarintReader(brotliDecompressSync(buffer.subarray(HEADER_BYTES)));
  const allocator = new SlotNumbers();
  for (let i = 0; i < events.length; i += 2) {
    const number = reader.next();
    const kind = number % 4;
    const rest = Math.floor(number / 4);
    const slot = kind === MALLOC ? allocator.take() : rest;
    if (kind === FREE) allocator.give(slot);
    events[i] = slot * 4 + kind;
    events[i + 1] = kind === MALLOC ? rest : kind === REALLOC ? reader.next() : 0;
  }
  if (allocator.most !== slots) throw new Error(`the trace says ${slots} slots, but uses ${allocator.most}`);
  return { events, slots };
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

function putVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

class VarintReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error("the trace ends within an event");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
}
