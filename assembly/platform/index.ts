/** The platform of this build's target. A build compiles only one of the two. */

import * as native from "./native";
import * as wasm from "./wasm";

/** See `wasm.ts` for what each function promises. */
export function grow(bytes: usize, spare: bool): usize {
  return HK_NATIVE ? native.grow(bytes, spare) : wasm.grow(bytes);
}

export function endPage(shift: usize): usize {
  return HK_NATIVE ? native.endPage(shift) : wasm.endPage(shift);
}

export function purge(address: usize, bytes: usize): bool {
  return HK_VIRTUAL ? native.purge(address, bytes) : wasm.purge(address, bytes);
}

/** A number that is hard to guess, where the platform has any. */
export function random(): usize {
  return HK_NATIVE ? native.random() : wasm.random();
}

/** Where memory is virtual there is nothing to renew. */
export function renew(): usize {
  return HK_VIRTUAL ? 0 : HK_NATIVE ? native.renew() : wasm.renew();
}

// @ts-ignore: decorator
@inline
export function order(): void {
  if (HK_NATIVE) native.order();
  else wasm.order();
}

export function rest(): void {
  if (HK_NATIVE) native.rest();
  else wasm.rest();
}

export function now(): u64 {
  return HK_VIRTUAL ? native.now() : wasm.now();
}

export function nanoseconds(): u64 {
  return HK_NATIVE ? native.nanoseconds() : wasm.nanoseconds();
}

export function fail(code: u32, block: usize, size: usize, at: usize, value: u32): void {
  if (HK_NATIVE) native.fail(code, block, size, at, value);
  else wasm.fail(code, block, size, at, value);
}
