/**
 * The platform below the allocator, where memory is a WebAssembly memory.
 *
 * Read `grow` first: it is the only source of memory. `native.ts` has the same functions for the native target.
 */

const WASM_PAGE_SHIFT: usize = 16;

// @ts-ignore: decorator
@external("env", "hakmem_fail")
declare function hakmem_fail(code: u32, pointer: usize): void;

/**
 * Grows the memory by `bytes`, a multiple of 64 KiB.
 * @returns the address of the new zero-filled bytes, or usize.MAX_VALUE when growth is refused
 */
export function grow(bytes: usize): usize {
  const pages = memory.grow(<i32>(bytes >> WASM_PAGE_SHIFT));
  return pages == -1 ? usize.MAX_VALUE : (<usize>(<u32>pages)) << WASM_PAGE_SHIFT;
}

/** Address just behind the memory, as a count of pages of 2^shift bytes (a byte address could wrap to 0). */
export function endPage(shift: usize): usize {
  return (<usize>(<u32>memory.size())) << (WASM_PAGE_SHIFT - shift);
}

/** A WebAssembly memory never shrinks and its pages cannot be given back one by one: nothing to do. */
export function purge(address: usize, bytes: usize): bool {
  return false;
}

/** Milliseconds; only lazy release asks, and it has nothing to do here. */
export function now(): u64 {
  return 0;
}

/** Reports a broken program and does not return. The import exists only in builds that can call it. */
export function fail(code: u32, pointer: usize): void {
  hakmem_fail(code, pointer);
  unreachable();
}
