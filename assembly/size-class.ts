/**
 * Size ↔ size class, by arithmetic.
 *
 * Classes step by 16 bytes to 128 and then four times per doubling, which wastes at most a fifth of a block:
 *
 *   16 32 48 64 80 96 112 128 │ 160 192 224 256 │ 320 384 448 512 │ 640 … MEDIUM_MAX
 *
 * With x = size - 1, the class is x's leading bits as a number "exponent and two bits of mantissa". Below 64 the
 * exponent is held at the one of 64, which makes the steps there 16 as well, without a branch:
 *
 *   x = 1 m m ┄┄┄┄   shift = bits behind the mantissa = max(floor(log2 x), 6) - 2
 *                    class = (x >> shift) + 4 · shift
 *
 * The numbering that falls out of this starts at 16. The numbers below serve the region map for what is not small.
 *
 * A profile may choose the classes up to 4 KiB itself, of a grid of eight a doubling, with three bits of mantissa: a request goes up to
 * the next class of the grid whose bit is set. Above 4 KiB it is every other one, which makes the four a doubling again, the
 * lengths that granules have.
 */

import { MEDIUM_MAX_SHIFT, MIN_ALIGN_SHIFT, SMALL_MAX_SHIFT } from "./config";

/** Whether the profile chooses the classes: the last of them always is one. */
const CHOSEN: bool = HK_CLASSES_HIGH != 0;
const MANTISSA_BITS: u32 = CHOSEN ? 3 : 2;
/** Below 2^LINEAR_SHIFT the steps are as small as blocks can be. */
const LINEAR_SHIFT: u32 = <u32>MIN_ALIGN_SHIFT + MANTISSA_BITS;
const TOP_BIT: u32 = 31;

export const CLASS_FIRST: u32 = (<u32>MIN_ALIGN_SHIFT) << MANTISSA_BITS;
/** One more than the class of SMALL_MAX: the first that has no slabs. */
export const CLASS_MEDIUM: u32 = (<u32>SMALL_MAX_SHIFT + 1 - MANTISSA_BITS) << MANTISSA_BITS;
/** One more than the class of MEDIUM_MAX. */
export const CLASS_END: u32 = (<u32>MEDIUM_MAX_SHIFT + 1 - MANTISSA_BITS) << MANTISSA_BITS;

/** Bit n: class CLASS_FIRST + n is one of the profile's; those up to 4 KiB are 48, and 24 fit a constant. */
const CLASSES: u64 = (<u64>HK_CLASSES) | ((<u64>HK_CLASSES_HIGH) << 24) | (0xaaaa << 48);
const CLASSES_BITS: u32 = 64;

/** Class of blocks of x + 1 bytes, for x < MEDIUM_MAX. */
// @ts-ignore: decorator
@inline
export function classOf(x: usize): u32 {
  const shift = TOP_BIT - MANTISSA_BITS - clz<u32>((<u32>x) | (1 << LINEAR_SHIFT));
  const cls = ((<u32>x) >> shift) + (shift << MANTISSA_BITS);
  if (!CHOSEN) return cls;
  const bit = cls - CLASS_FIRST;
  return bit < CLASSES_BITS ? cls + <u32>ctz<u64>(CLASSES >> bit) : cls | 1;
}

/**
 * The least size from `size` on, a multiple of `align`, whose class has blocks of multiples of `align`. A standard class that holds a multiple of a
 * power of two is one itself: its steps are either as fine as that, or coarser powers of two. Of chosen ones the last is.
 */
// @ts-ignore: decorator
@inline
export function alignedSize(size: usize, align: usize): usize {
  if (!CHOSEN) return size;
  let cls = classOf(size - 1);
  while (classSize(cls) & (align - 1)) cls = nextClass(cls);
  return classSize(cls);
}

/** The class of the next longer blocks; CLASS_END or more behind the last. */
// @ts-ignore: decorator
@inline
export function nextClass(cls: u32): u32 {
  return CHOSEN ? classOf(classSize(cls)) : cls + 1;
}

/** The class that is the `index`th, from 0; none that is one behind the last. */
// @ts-ignore: decorator
@inline
export function classAt(index: u32): u32 {
  if (!CHOSEN) return CLASS_FIRST + index;
  let cls = classOf(0);
  for (; index && cls < CLASS_END; --index) cls = nextClass(cls);
  return cls;
}

/** Bytes of a block of `cls`; the inverse of `classOf`. */
export function classSize(cls: u32): usize {
  const steps = 1 << MANTISSA_BITS;
  // The linear part: the first group of steps has no leading one.
  if (cls < CLASS_FIRST + steps) return (<usize>(cls - CLASS_FIRST + 1)) << MIN_ALIGN_SHIFT;
  return (<usize>((cls & (steps - 1)) + steps + 1)) << ((cls >> MANTISSA_BITS) - 1);
}
