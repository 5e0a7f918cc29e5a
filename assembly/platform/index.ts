/** The platform of this build's target. A build compiles only one of the two. */

import * as native from "./native";
import * as wasm from "./wasm";

/** See `wasm.ts` for what each function promises. */
export function grow(bytes: usize): usize {
  return HK_NATIVE ? native.grow(bytes) : wasm.grow(bytes);
}

export function endPage(shift: usize): usize {
  return HK_NATIVE ? native.endPage(shift) : wasm.endPage(shift);
}

export function purge(address: usize, bytes: usize): bool {
  return HK_NATIVE ? native.purge(address, bytes) : wasm.purge(address, bytes);
}

export function now(): u64 {
  return HK_NATIVE ? native.now() : wasm.now();
}

export function fail(code: u32, pointer: usize): void {
  if (HK_NATIVE) native.fail(code, pointer);
  else wasm.fail(code, pointer);
}
