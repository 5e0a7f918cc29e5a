/**
 * Every call, written down: what size, when, and which block; never what is in a block. The layout is that of native/recording.h, chunks of
 * 64 KiB which `hakmem replay` reads; chunks of several workers, one behind the other, are one recording.
 */

import type { Observer } from "./observer.js";

const CHUNK = 1 << 16;
const HEAD = 56;
const MOST_OF_EVENT = 64;
const MAGIC = "HKCALLS";
const USED = 48;
const EVENT = { new: 0, end: 1, resized: 2, aligned: 3 } as const;
/** A tick is a quarter of a microsecond: as fine as a time of day is in a number. */
const TICKS = 4000;
const TICK_NANOSECONDS = 250n;

export class Recorder implements Observer {
  readonly left = 0;
  readonly filter = new Uint8Array(1 << 16).fill(1);
  readonly #thread: number;
  readonly #onChunk: (chunk: Uint8Array<ArrayBuffer>) => void;
  /** Blocks in use; undefined where they need not be known. */
  readonly #live: Set<number> | undefined;
  #chunk: Uint8Array<ArrayBuffer> | undefined;
  #number = 0;
  #used = 0;
  #time = 0;
  #address = 0;
  #events = 0;
  /** While `onChunk` runs, what the program does there goes by unseen. */
  #isBusy = false;
  /** What `onChunk` threw: the recording has ended. */
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param thread its number
   * @param mayClear whether all blocks can be freed at once
   * @param onChunk gets each chunk once it is full
   */
  constructor(thread: number, mayClear: boolean, onChunk: (chunk: Uint8Array<ArrayBuffer>) => void) {
    this.#thread = thread;
    this.#onChunk = onChunk;
    this.#live = mayClear ? new Set() : undefined;
  }

  get events(): number {
    return this.#events;
  }

  allocated(block: number, size: number, alignment: number): void {
    if (!this.#begin(alignment === 0 ? EVENT.new : EVENT.aligned)) return;
    this.#varint(size);
    this.#place(block);
    if (alignment !== 0) this.#varint(Math.log2(alignment));
    this.#live?.add(block);
  }

  freed(block: number): boolean {
    if (!this.#begin(EVENT.end)) return false;
    this.#place(block);
    this.#live?.delete(block);
    return false;
  }

  resized(old: number, block: number, size: number): void {
    if (!this.#begin(EVENT.resized)) return;
    this.#varint(size);
    this.#place(old);
    this.#place(block);
    this.#varint(0);
    this.#live?.delete(old);
    this.#live?.add(block);
  }

  cleared(): void {
    for (const block of this.#live ?? []) this.freed(block);
  }

  originOf(): string {
    return "";
  }

  /** Ends with a chunk without events, by which the length of a tick is known. */
  end(): void {
    this.#close();
    if (!this.#failure) this.#open();
    this.#close();
    if (this.#failure) throw this.#failure.error;
  }

  /** @returns whether there is a place for the event */
  #begin(kind: number): boolean {
    if (this.#isBusy || this.#failure) return false;
    if (this.#chunk === undefined || this.#used + MOST_OF_EVENT > CHUNK) {
      this.#close();
      if (this.#failure as unknown) return false;
      this.#open();
    }
    const now = Math.max(this.#time, ticksNow());
    this.#varint((now - this.#time) * 4 + kind);
    this.#time = now;
    this.#events++;
    return true;
  }

  #place(block: number): void {
    const difference = block / 8 - this.#address;
    this.#address = block / 8;
    this.#varint(difference < 0 ? -2 * difference - 1 : 2 * difference);
  }

  #varint(value: number): void {
    const chunk = this.#chunk!;
    for (; value >= 128; value = Math.floor(value / 128)) chunk[this.#used++] = (value % 128) | 128;
    chunk[this.#used++] = value;
  }

  #open(): void {
    const chunk = new Uint8Array(CHUNK);
    this.#time = ticksNow();
    this.#address = 0;
    this.#used = HEAD;
    for (let at = 0; at < MAGIC.length; at++) chunk[at] = MAGIC.charCodeAt(at);
    const words = [0n, BigInt(this.#thread), BigInt(this.#number++), BigInt(this.#time)];
    const view = new DataView(chunk.buffer);
    words.forEach((word, index) => {
      view.setBigUint64(8 + 8 * index, word, true);
    });
    view.setBigUint64(40, BigInt(this.#time) * TICK_NANOSECONDS, true);
    this.#chunk = chunk;
  }

  #close(): void {
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    this.#chunk = undefined;
    new DataView(chunk.buffer).setBigUint64(USED, BigInt(this.#used - HEAD), true);
    this.#isBusy = true;
    try {
      this.#onChunk(chunk);
    } catch (error) {
      // We are in the middle of the program's malloc or free: it learns of this from stop().
      this.#failure = { error };
    } finally {
      this.#isBusy = false;
    }
  }
}

/** Of one clock in all workers. */
const ticksNow = (): number => Math.round((performance.timeOrigin + performance.now()) * TICKS);
