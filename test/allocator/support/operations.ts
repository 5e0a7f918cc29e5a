import fc, { type Arbitrary } from "fast-check";

/**
 * What a program may do with a heap, as data: fast-check makes lists of it and shrinks those that fail. Blocks and threads
 * are named by a number of which the remainder counts, so that every list makes sense, also one with parts taken out.
 */
export type Operation = { readonly thread: number } & (
  | { readonly call: "malloc"; readonly size: number }
  | { readonly call: "calloc"; readonly count: number; readonly size: number }
  | { readonly call: "aligned"; readonly by: AlignedCall; readonly align: number; readonly size: number }
  | { readonly call: "realloc"; readonly block: number; readonly size: number }
  | { readonly call: "reallocarray"; readonly block: number; readonly count: number; readonly size: number }
  | { readonly call: "free"; readonly block: number; readonly by: FreeCall }
  /** Many blocks of one size. */
  | { readonly call: "fill"; readonly count: number; readonly size: number }
  /** Frees all but every `keep`-th block. */
  | { readonly call: "thin"; readonly keep: number }
  | { readonly call: "trim" }
  | { readonly call: "prewarm"; readonly size: number; readonly count: number }
  /** Somebody else takes pages of the memory. */
  | { readonly call: "foreign"; readonly pages: number }
  /** The thread exits, and another begins. */
  | { readonly call: "exit" }
  /** The thread is gone without a word, another finds out, and a new one begins. */
  | { readonly call: "die"; readonly finder: number }
);

export type AlignedCall = "aligned_alloc" | "memalign" | "posix_memalign";
export type FreeCall = "free" | "free_sized" | "free_aligned_sized";

const KIB = 1024;

/** Sizes at which something may change: powers of two, the steps between, and their neighbours. */
const boundary = fc
  .tuple(fc.integer({ min: 0, max: 21 }), fc.constantFrom(4, 5, 6, 7), fc.constantFrom(-1, 0, 1))
  .map(([exponent, quarters, offset]) => Math.max(0, Math.floor((2 ** exponent * quarters) / 4) + offset));

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(1100) },
  { weight: 3, arbitrary: boundary },
  { weight: 3, arbitrary: fc.nat(40 * KIB) },
  { weight: 2, arbitrary: fc.nat(600 * KIB) },
  { weight: 1, arbitrary: fc.nat(5000 * KIB) },
);

const align = fc.nat(18).map((exponent) => 2 ** exponent);
const thread = fc.nat(3);
const block = fc.nat(65535);

const calls: readonly (readonly [weight: number, Arbitrary<Record<string, unknown>>])[] = [
  [20, fc.record({ call: fc.constant("malloc"), thread, size })],
  [5, fc.record({ call: fc.constant("calloc"), thread, count: fc.nat(5), size })],
  [
    5,
    fc.record({
      call: fc.constant("aligned"),
      thread,
      by: fc.constantFrom("aligned_alloc", "memalign", "posix_memalign"),
      align,
      size,
    }),
  ],
  [6, fc.record({ call: fc.constant("realloc"), thread, block, size })],
  [2, fc.record({ call: fc.constant("reallocarray"), thread, block, count: fc.nat(5), size })],
  [
    22,
    fc.record({
      call: fc.constant("free"),
      thread,
      block,
      by: fc.constantFrom("free", "free_sized", "free_aligned_sized"),
    }),
  ],
  [4, fc.record({ call: fc.constant("fill"), thread, count: fc.nat(600), size })],
  [2, fc.record({ call: fc.constant("thin"), thread, keep: fc.constantFrom(1, 2, 7, 50, Infinity) })],
  [1, fc.record({ call: fc.constant("trim"), thread })],
  [1, fc.record({ call: fc.constant("prewarm"), thread, size, count: fc.nat(3000) })],
];
const foreign = [
  1,
  fc.record({ call: fc.constant("foreign"), thread, pages: fc.integer({ min: 1, max: 5 }) }),
] as const;
const lives = [
  [1, fc.record({ call: fc.constant("exit"), thread })],
  [1, fc.record({ call: fc.constant("die"), thread, finder: thread })],
] as const;

/** Lists of up to `maxLength` operations. */
export function operations(
  maxLength: number,
  { foreignPages = false, threads = false }: { foreignPages?: boolean; threads?: boolean } = {},
): Arbitrary<Operation[]> {
  const chosen = [...calls, ...(foreignPages ? [foreign] : []), ...(threads ? lives : [])];
  const operation = fc.oneof(...chosen.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return fc.array(operation as unknown as Arbitrary<Operation>, { maxLength, size: "max" });
}
