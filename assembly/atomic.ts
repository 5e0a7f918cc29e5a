/**
 * Atomic operations that cost nothing where the memory is not shared.
 *
 * WebAssembly atomics are sequentially consistent. Every field that more than one thread touches is accessed through
 * these and says so at its declaration; everything else is a plain load or store.
 */

// @ts-ignore: decorator
@inline
export function atomicLoad<T>(address: usize): T {
  return HK_SHARED ? atomic.load<T>(address) : load<T>(address);
}

// @ts-ignore: decorator
@inline
export function atomicStore<T>(address: usize, value: T): void {
  if (HK_SHARED) atomic.store<T>(address, value);
  else store<T>(address, value);
}

/** Stores `value` if `expected` is there; true when it was. */
// @ts-ignore: decorator
@inline
export function atomicCas<T>(address: usize, expected: T, value: T): bool {
  if (HK_SHARED) return atomic.cmpxchg<T>(address, expected, value) == expected;
  if (load<T>(address) != expected) return false;
  store<T>(address, value);
  return true;
}

/** Stores `value`; returns what was there. */
// @ts-ignore: decorator
@inline
export function atomicExchange<T>(address: usize, value: T): T {
  if (HK_SHARED) return atomic.xchg<T>(address, value);
  const old = load<T>(address);
  store<T>(address, value);
  return old;
}

/** Adds; returns what was there. */
// @ts-ignore: decorator
@inline
export function atomicAdd<T extends number>(address: usize, value: T): T {
  if (HK_SHARED) return atomic.add<T>(address, value);
  const old = load<T>(address);
  store<T>(address, <T>(old + value));
  return old;
}

/** Sets bits; returns what was there. */
// @ts-ignore: decorator
@inline
export function atomicOr<T extends number>(address: usize, bits: T): T {
  if (HK_SHARED) return atomic.or<T>(address, bits);
  const old = load<T>(address);
  store<T>(address, <T>(old | bits));
  return old;
}

/** Keeps only `bits`; returns what was there. */
// @ts-ignore: decorator
@inline
export function atomicAnd<T extends number>(address: usize, bits: T): T {
  if (HK_SHARED) return atomic.and<T>(address, bits);
  const old = load<T>(address);
  store<T>(address, <T>(old & bits));
  return old;
}
