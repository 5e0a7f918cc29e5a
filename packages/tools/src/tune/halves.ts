/** A recording cut in two, block by block: what one half is tuned for, the other one judges. */

import { KIND, makeEvents, type Events, type RecordingHead } from "../observe/recording/events.js";
import { BLOCK_EVENTS, encodeBlock, encodeHead, type Carry, type Recording } from "../observe/recording/format.js";
import { sampledBlocks } from "../observe/recording/sample.js";

/** Brotli's: the halves are read a few times and then gone. */
const QUALITY = 1;

/** Both halves as files' contents: of each block its whole life is in one of them, by a hash of its number. */
export function halvesOf(recording: Recording): [Buffer, Buffer] {
  return [halfFrom(recording, 0), halfFrom(recording, 1 / 2)];
}

/** Alignments are left out: no replay heeds them. */
function halfFrom(recording: Recording, from: number): Buffer {
  const { head } = recording;
  const blocks: Buffer[] = [];
  const carry: Carry = { thread: 0, time: 0 };
  const events = makeEvents(BLOCK_EVENTS);
  const sizes = new Float64Array(head.slots);
  let [filled, written, bytes, peakBytes] = [0, 0, 0, 0];
  const write = (): void => {
    blocks.push(encodeBlock({ ...events, count: filled } satisfies Events, carry, QUALITY));
    written += filled;
    filled = 0;
  };
  const visit = (kind: number, slot: number, size: number, time: number, thread: number): void => {
    bytes += size - (sizes[slot] ?? 0);
    sizes[slot] = size;
    peakBytes = Math.max(peakBytes, bytes);
    events.kinds[filled] = kind === KIND.aligned ? KIND.malloc : kind;
    events.slots[filled] = slot;
    events.sizes[filled] = size;
    events.times[filled] = time;
    events.threads[filled] = thread;
    if (++filled === BLOCK_EVENTS) write();
  };
  const slots = sampledBlocks(recording, 1 / 2, visit, from);
  if (filled > 0) write();
  const half: RecordingHead = { ...head, events: written, slots, peakBytes, sampledFrom: 2 * head.sampledFrom };
  return Buffer.concat([encodeHead(half), ...blocks]);
}
