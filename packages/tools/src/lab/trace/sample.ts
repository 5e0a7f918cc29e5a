/**
 * From a recording to a trace: addresses become slots, and of many blocks some are kept, each with its whole life, so that the
 * mix of sizes and lifetimes stays what it was.
 */

import { FREE, MALLOC, REALLOC, SlotNumbers, type Trace } from "./format.js";

/** What the recorder writes: three 64-bit numbers an event. */
export const RECORDED_EVENT_BYTES = 24;
const RECORDED = { malloc: 0, free: 1, realloc: 2, moved: 3 } as const;

/** A block is touched at its first four bytes: no request in a trace is smaller. */
const LEAST_SIZE = 4;

interface Step {
  readonly kind: typeof MALLOC | typeof FREE | typeof REALLOC;
  /** Number of the block, in the order of allocation. */
  readonly block: number;
  readonly size: number;
}

/**
 * Makes a trace of about `wantedEvents` events, or of all if there are fewer. Blocks that were never freed are freed at the end.
 */
export function sampleRecording(recording: Uint8Array, wantedEvents: number): Trace {
  const steps = followBlocks(recording);
  const share = Math.min(1, wantedEvents / steps.length);
  const kept = steps.filter(({ block }) => isKept(block, share));
  return numberSlots(kept);
}

/** The life of every block under one number, even if `realloc` moves it. Blocks from before the recording are left out. */
function followBlocks(recording: Uint8Array): Step[] {
  const view = new DataView(recording.buffer, recording.byteOffset, recording.byteLength);
  const blocks = new Map<bigint, number>();
  const steps: Step[] = [];
  let count = 0;
  let moving: number | undefined;
  const allocate = (address: bigint, size: number): void => {
    blocks.set(address, count);
    steps.push({ kind: MALLOC, block: count++, size });
  };
  for (let at = 0; at + RECORDED_EVENT_BYTES <= view.byteLength; at += RECORDED_EVENT_BYTES) {
    const kind = Number(view.getBigUint64(at, true));
    const address = view.getBigUint64(at + 8, true);
    const size = Math.max(LEAST_SIZE, Number(view.getBigUint64(at + 16, true)));
    const block = blocks.get(address);
    if (kind === RECORDED.malloc) allocate(address, size);
    else if (kind === RECORDED.free) {
      blocks.delete(address);
      if (block !== undefined) steps.push({ kind: FREE, block, size: 0 });
    } else if (kind === RECORDED.realloc) {
      blocks.delete(address);
      moving = block;
    } else if (kind === RECORDED.moved) {
      if (moving === undefined) allocate(address, size);
      else if (address === 0n) steps.push({ kind: FREE, block: moving, size: 0 });
      else {
        blocks.set(address, moving);
        steps.push({ kind: REALLOC, block: moving, size });
      }
    } else throw new Error(`the recording has an event of unknown kind ${kind} at byte ${at}`);
  }
  for (const block of blocks.values()) steps.push({ kind: FREE, block, size: 0 });
  return steps;
}

/** Keeps a share of all blocks, spread evenly and always the same ones. */
function isKept(block: number, share: number): boolean {
  const hash = Math.imul(block + 1, 0x9e3779b1) >>> 0;
  return hash < share * 2 ** 32;
}

function numberSlots(steps: readonly Step[]): Trace {
  const slots = new Map<number, number>();
  const numbers = new SlotNumbers();
  const events = new Uint32Array(2 * steps.length);
  steps.forEach(({ kind, block, size }, index) => {
    let slot = slots.get(block);
    if (slot === undefined) slots.set(block, (slot = numbers.take()));
    if (kind === FREE) numbers.give(slot);
    events[2 * index] = slot * 4 + kind;
    events[2 * index + 1] = size;
  });
  return { events, slots: numbers.most };
}
