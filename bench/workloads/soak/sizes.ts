/** How large blocks are: many small ones, few large ones, rarely huge ones, and often just at a power of two. */

import { lower } from "../random";

const KIB: u32 = 1024;

/** Of 1024 requests, how many are of up to so many bytes. */
const TINY: u32 = 640; // 128
const SMALL: u32 = 920; // 1 KiB
const MIDDLE: u32 = 1004; // 8 KiB
const SLAB: u32 = 1020; // 32 KiB
const LARGE: u32 = 1023; // 512 KiB; half of them 128
const HUGE: u32 = 4096 * KIB;

/** A size for an ordinary request; `random` is a draw of its own. */
export function ordinarySize(random: u64): usize {
  const kind = (<u32>(random >> 54)) & 1023;
  if (kind < TINY) return between(random, 0, 128);
  if ((random >> 48) % 32 == 0) return edge(random, kind < SLAB ? 15 : 20);
  if (kind < SMALL) return between(random, 129, KIB);
  if (kind < MIDDLE) return between(random, KIB + 1, 8 * KIB);
  if (kind < SLAB) return between(random, 8 * KIB + 1, 32 * KIB);
  if (kind < LARGE) return between(random, 32 * KIB + 1, random & (1 << 40) ? 128 * KIB : 512 * KIB);
  return random & (3 << 40) ? between(random, 32 * KIB + 1, 128 * KIB) : between(random, 512 * KIB + 1, HUGE);
}

/** A size for a thread that holds as much as it may. */
export function modestSize(random: u64): usize {
  return between(random, 0, 256);
}

/** A size for a thread that is to exhaust memory. */
export function exhaustingSize(random: u64): usize {
  const kind = (<u32>(random >> 54)) & 15;
  if (kind < 4) return between(random, 0, 32 * KIB);
  if (kind < 14) return between(random, 32 * KIB, 512 * KIB);
  return between(random, 512 * KIB, 4 * HUGE);
}

// @ts-ignore: decorator
@inline
function between(random: u64, least: u32, most: u32): usize {
  return <usize>(least + lower(random, most - least + 1));
}

/** A power of two up to 2^most, less one, as it is, or plus one. */
function edge(random: u64, most: u32): usize {
  return ((<usize>1) << (<usize>lower(random, most + 1))) + <usize>((random >> 40) % 3) - 1;
}
