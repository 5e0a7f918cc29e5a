/**
 * The checker's own memory, outside the heap under test, told by the host and zero at first. All threads see the same.
 *
 *   arena ─► │ pressure ┄ 64 B │ mailboxes │ threads │ records │ slots │ claims │
 *
 * A record describes one block, or none. Every slot of a thread has one record, and so has every mailbox: to hand a block over,
 * a thread exchanges the record of one of its slots for the one in a mailbox, and has whatever block that describes.
 *
 *   mailbox, slot   u32   number of a record
 */

import { atomicExchange, atomicAdd, atomicLoad } from "../../../assembly/atomic";
import { beginClaims, claimsBytes } from "./claims";

/** A block that somebody has. */
@unmanaged
export class Record {
  /** 0: no block. */
  block: usize;
  /** Bytes that are written to. */
  size: usize;
  /** Bytes that were asked for. */
  asked: usize;
  /** What was asked for; 0 when nothing was. */
  align: usize;
  /** Number of the block, for its contents. */
  id: u32;
}

/** A thread of the program: its state outlives the thread of the heap that it is just now. */
@unmanaged
export class Member {
  /** Calls that were checked. */
  operations: u64;
  random: u64;
  /** Bytes of the blocks in its slots. */
  held: i64;
  /** Units claimed less units released: over all members, those of the blocks that there are. */
  claimed: i64;
  /** Requests that were refused, all while memory was exhausted. */
  refused: u64;
  /** Blocks that came from another member. */
  received: u64;
  /** When to exhaust memory next, in operations. */
  nextPressure: u64;
  /** Where posix_memalign stores. */
  out: usize;
  /** Last block number given. */
  lastId: u32;
  begun: u32;
}

const LINE: usize = 64;
/** Of a record: two share a line. */
const RECORD_BYTES: usize = (offsetof<Record>() + 31) & ~31;
const MEMBER_BYTES: usize = (offsetof<Member>() + (2 * LINE - 1)) & ~(2 * LINE - 1);

/** Places through which threads hand blocks to each other; a power of two. */
export const MAILBOXES: u32 = 64;

let board: usize = 0;
let members: usize = 0;
let records: usize = 0;
let slots: usize = 0;
let memberCount: u32 = 0;
/** Slots of each thread; a power of two. */
export let slotCount: u32 = 0;

/** The first address behind what the board takes, up to the claims. */
function claimsAt(): usize {
  return slots + <usize>(memberCount * slotCount) * sizeof<u32>();
}

/**
 * Learns where everything is.
 * @param arena zeroed memory, at a multiple of 64
 * @param count threads of the program; one more may use the board, without slots
 * @param perThread slots of each, a power of two
 * @param from where the heap's memory begins, and `to` where it ends at most
 * @returns the first address behind the arena
 */
export function beginBoard(arena: usize, count: u32, perThread: u32, from: usize, to: usize): usize {
  board = arena;
  memberCount = count;
  slotCount = perThread;
  members = arena + LINE + <usize>MAILBOXES * LINE;
  records = members + <usize>(count + 1) * MEMBER_BYTES;
  slots = records + <usize>(count * perThread + MAILBOXES) * RECORD_BYTES;
  beginClaims((claimsAt() + (LINE - 1)) & ~(LINE - 1), from, to);
  return ((claimsAt() + (LINE - 1)) & ~(LINE - 1)) + claimsBytes(to - from);
}

/** Puts an empty record into each mailbox and slot. To be called once, before there are threads. */
export function layOut(): void {
  for (let n: u32 = 0; n < memberCount * slotCount; ++n) store<u32>(slots + <usize>n * sizeof<u32>(), n);
  for (let n: u32 = 0; n < MAILBOXES; ++n) store<u32>(mailboxOf(n), memberCount * slotCount + n);
}

export function memberOf(index: u32): Member {
  return changetype<Member>(members + <usize>index * MEMBER_BYTES);
}

// @ts-ignore: decorator
@inline
function mailboxOf(index: u32): usize {
  return board + LINE + <usize>index * LINE;
}

/** Address of a slot. */
// @ts-ignore: decorator
@inline
export function slotOf(member: u32, index: u32): usize {
  return slots + <usize>(member * slotCount + index) * sizeof<u32>();
}

// @ts-ignore: decorator
@inline
export function recordIn(slot: usize): Record {
  return changetype<Record>(records + <usize>load<u32>(slot) * RECORD_BYTES);
}

/** Leaves the record of `slot` in a mailbox, and takes the one that was there. */
export function trade(slot: usize, mailbox: u32): void {
  store<u32>(slot, atomicExchange<u32>(mailboxOf(mailbox), load<u32>(slot)));
}

/** The record in a mailbox that nobody uses any more. */
export function leftIn(mailbox: u32): Record {
  return recordIn(mailboxOf(mailbox));
}

// --- Pressure ------------------------------------------------------------------------------------------------------

/** Threads that may be exhausting memory now, and in the upper half how often one has begun to. */
const ACTIVE: u32 = 0xffff;
const BEGUN: u32 = 0x10000;

// @ts-ignore: decorator
@inline
export function pressure(): u32 {
  return atomicLoad<u32>(board);
}

/** True when memory was not exhausted at any time since `before`, which is what `pressure` returned. */
export function wasCalm(before: u32): bool {
  return (before & ACTIVE) == 0 && pressure() == before;
}

export function beginPressure(): void {
  atomicAdd<u32>(board, BEGUN + 1);
}

export function endPressure(): void {
  atomicAdd<u32>(board, -1);
}
