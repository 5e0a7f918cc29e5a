/**
 * Random numbers: xorshift64* (S. Vigna, 2014). One draw gives two independent 32-bit numbers, for instance a slot and a size.
 */

/** The state that follows `state`; never zero when `state` is not. */
// @ts-ignore: decorator
@inline
export function advance(state: u64): u64 {
  state ^= state >> 12;
  state ^= state << 25;
  return state ^ (state >> 27);
}

/** The draw that belongs to `state`. */
// @ts-ignore: decorator
@inline
export function draw(state: u64): u64 {
  return state * 0x2545f4914f6cdd1d;
}

/** The upper half of a draw as a number from 0 to `range - 1`. */
// @ts-ignore: decorator
@inline
export function upper(random: u64, range: u32): u32 {
  return <u32>(((random >> 32) * range) >> 32);
}

/** The lower half of a draw as a number from 0 to `range - 1`. */
// @ts-ignore: decorator
@inline
export function lower(random: u64, range: u32): u32 {
  return <u32>(((random & 0xffffffff) * range) >> 32);
}

/** The first state of stream `stream`; every workload and thread has a stream of its own. */
export function seedOf(stream: u32): u64 {
  return 0x9e3779b97f4a7c15 ^ (<u64>(stream + 1) * 0xbf58476d1ce4e5b9);
}
