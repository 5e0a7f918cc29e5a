/**
 * The wrong programs of `test/native/mistakes/`, by family: how each is started, and what a guard build must say about it.
 *
 * A family is a kind of mistake, and a case of it a process: `program wrong|right HOW SIZE AMOUNT`.
 */

export const SIZE_CLASSES = ["small", "medium", "large", "huge"] as const;
export type SizeClass = (typeof SIZE_CLASSES)[number];

export interface Case {
  readonly how: string;
  readonly size: number;
  readonly amount: number;
  readonly sizeClass: SizeClass;
}

/**
 * What can be expected of an allocator: that it says what is wrong, that the wrong program computes something else than its
 * author hopes for, that the call refuses, or nothing.
 */
export type Reach = "diagnosis" | "visible" | "refusal" | "none";

export interface Family {
  readonly name: string;
  /** File in `test/native/mistakes/`. */
  readonly program: string;
  readonly reach: Reach;
  /** The sentence of a guard build about a case, as the source of an expression; `@` is an address. */
  readonly message?: (of: Case) => string;
  readonly cases: readonly Case[];
}

/** The cases of a family whose right twins differ: those do not know the amount. */
export function rightCases({ cases }: Family): readonly Case[] {
  return cases.filter(
    (each, index) => cases.findIndex(({ how, size }) => how === each.how && size === each.size) === index,
  );
}

interface Size {
  readonly size: number;
  readonly sizeClass: SizeClass;
}

const SIZES: readonly Size[] = [
  { size: 24, sizeClass: "small" },
  { size: 100, sizeClass: "small" },
  { size: 3000, sizeClass: "medium" },
  { size: 20_000, sizeClass: "medium" },
  { size: 200_000, sizeClass: "large" },
  { size: 3_000_000, sizeClass: "huge" },
];
const SMALL = SIZES.slice(0, 1);
const UP_TO_LARGE = SIZES.filter(({ sizeClass }) => sizeClass !== "huge");

/** Every way with every amount and size. */
function each(hows: readonly string[], amounts: readonly number[] = [0], sizes: readonly Size[] = SIZES): Case[] {
  return sizes.flatMap((size) => hows.flatMap((how) => amounts.map((amount) => ({ ...size, how, amount }))));
}

const overflow =
  (behind = 1) =>
  ({ size }: Case): string =>
    `write beyond the end of @ \\(${size} bytes\\): the byte ${behind} behind its end holds 0x41`;
const written = ({ size, amount }: Case): string =>
  `write after free to @ \\(${size} bytes\\): byte ${Math.floor(((size - 1) * amount) / 100)} holds 0x41`;
const doubleFree = ({ size }: Case): string => `double free of @: the block of ${size} bytes was freed before`;
const interior = (): string => "free of a pointer into the middle of a block: @";
const foreign = (): string => "free of a pointer that is not from this heap: @";
const wrongSize = (): string => "wrong size given to free_sized or delete of @";
const wrongAlignment = (): string => "wrong alignment given to free_aligned_sized or delete of @";
const wrongFunction = ({ size }: Case): string =>
  `@ \\(${size} bytes\\) was not made by the function that belongs to the one that frees or resizes it`;

const DISTANCES = [1, 8, 16, 32, 100, 4096];
const MAKERS = [
  "calloc",
  "realloc-grown",
  "realloc-shrunk",
  "reallocarray",
  "memalign",
  "aligned_alloc",
  "posix_memalign",
  "valloc",
  "strndup",
];

export const FAMILIES: readonly Family[] = [
  ...["free", "realloc", "exit", "quick_exit"].map((finder): Family => ({
    name: `write beyond the end, then ${finder}`,
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each([`malloc/${finder}`], DISTANCES),
  })),
  {
    name: "write beyond the end, then free in another thread",
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each(["malloc/thread"], [1, 16]),
  },
  {
    name: "write beyond the end in a child, which exits",
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each(["malloc/child"], [1, 16]),
  },
  {
    name: "write beyond the end of what calloc, realloc, strndup made",
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each(
      MAKERS.filter((maker) => !/align|valloc/.test(maker)).map((maker) => `${maker}/free`),
      [1, 16],
    ),
  },
  {
    name: "write beyond the end of an aligned block",
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each(
      MAKERS.filter((maker) => /align|valloc/.test(maker)).map((maker) => `${maker}/free`),
      [1, 16],
    ),
  },
  {
    name: "write far beyond the end: a huge block's pages",
    program: "overflow.c",
    reach: "diagnosis",
    message: overflow(),
    cases: each(["malloc/free", "malloc/exit"], [65_536], SIZES.slice(-1)),
  },
  {
    name: "write of one byte, 8 to 32 beyond the end",
    program: "single.c",
    reach: "diagnosis",
    message: (of) => overflow(of.amount)(of),
    cases: each(["free", "exit"], [8, 16, 32]),
  },
  {
    name: "write before the start",
    program: "underflow.c",
    reach: "diagnosis",
    message: ({ size, amount }) =>
      `write before the start of @ \\(${size} bytes\\): the byte ${amount} before it holds 0x41`,
    cases: each(["free", "realloc", "exit", "aligned"], [1, 8, 16]),
  },
  {
    name: "write into what realloc cut off",
    program: "resized.c",
    reach: "diagnosis",
    message: ({ size }) => `write beyond the end of @ \\(${size / 2} bytes\\): the byte 1 behind its end holds 0x41`,
    cases: each(["free", "exit"], [1, 12]),
  },
  {
    name: "write to a block of 0 bytes",
    program: "zero.c",
    reach: "diagnosis",
    message: () => "write beyond the end of @ \\(0 bytes\\): the byte 1 behind its end holds 0x41",
    cases: each(["malloc", "calloc", "realloc", "memalign", "exit"], [1, 8, 24], SMALL),
  },
  {
    name: "off by one: strings, loops, sizeof, index −1",
    program: "strings.c",
    reach: "diagnosis",
    message: () => "write (?:beyond the end|before the start) of @",
    cases: [
      ...each(["strcpy", "sprintf", "strcat", "terminator", "loop", "negative"]),
      ...each(["sizeof", "pointer"], [0], SMALL),
    ],
  },
  {
    name: "write after free, found at exit",
    program: "write-after-free.c",
    reach: "diagnosis",
    message: written,
    cases: each(["exit", "others", "thread"], [0, 50, 100]),
  },
  {
    name: "write after free, found while the program runs",
    program: "write-after-free.c",
    reach: "diagnosis",
    message: written,
    cases: each(["leaving"], [0, 50, 100]),
  },
  {
    name: "write after free and 10 more blocks made and freed",
    program: "write-after-free.c",
    reach: "diagnosis",
    message: written,
    cases: each(["late"], [0, 50, 100]),
  },
  {
    name: "write after free of that and 4 to 100 more blocks",
    program: "write-after-free.c",
    reach: "diagnosis",
    message: written,
    cases: each(["many"], [0, 50, 100]),
  },
  {
    name: "write by an old pointer after realloc",
    program: "write-after-free.c",
    reach: "diagnosis",
    message: written,
    cases: each(["realloc"], [0, 50, 100]),
  },
  {
    name: "double free at once",
    program: "double-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["at-once", "aligned", "realloc-zero"]),
  },
  {
    name: "double free with others between",
    program: "double-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["one-between", "many-between"]),
  },
  {
    name: "double free, the memory is used again",
    program: "double-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["reused"]),
  },
  {
    name: "double free by two threads",
    program: "double-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["threads", "there-here"]),
  },
  {
    name: "free of an old pointer after realloc",
    program: "double-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["realloc"]),
  },
  {
    name: "free inside a block",
    program: "bad-free.c",
    reach: "diagnosis",
    message: interior,
    cases: [...each(["free/interior"], [1, 8, 16]), ...each(["free/middle", "free/end", "free/before"])],
  },
  {
    name: "free of the stack, a constant, a mapping, a number",
    program: "bad-free.c",
    reach: "diagnosis",
    message: foreign,
    cases: each(
      ["stack", "static", "text", "argument", "mapped", "number"].map((kind) => `free/${kind}`),
      [0],
      SMALL,
    ),
  },
  {
    name: "free of heap memory that was never a block",
    program: "bad-free.c",
    reach: "diagnosis",
    message: foreign,
    cases: each(["free/never"]),
  },
  {
    name: "realloc of a freed block",
    program: "bad-free.c",
    reach: "diagnosis",
    message: doubleFree,
    cases: each(["realloc/freed"]),
  },
  {
    name: "realloc inside a block",
    program: "bad-free.c",
    reach: "diagnosis",
    message: interior,
    cases: [...each(["realloc/interior"], [8, 16]), ...each(["realloc/middle"])],
  },
  {
    name: "realloc of the stack, a constant, a mapping, a number",
    program: "bad-free.c",
    reach: "diagnosis",
    message: foreign,
    cases: each(
      ["stack", "static", "text", "argument", "mapped", "number"].map((kind) => `realloc/${kind}`),
      [0],
      SMALL,
    ),
  },
  {
    name: "usable size of what is no block",
    program: "usable.c",
    reach: "visible",
    cases: each(["freed", "interior"]),
  },
  {
    name: "free_sized, free_aligned_sized with a wrong size",
    program: "sized.c",
    reach: "diagnosis",
    message: wrongSize,
    cases: [...each(["size", "aligned-size"], [-1, 1, 16]), ...each(["most"])],
  },
  {
    name: "free_aligned_sized with a wrong alignment",
    program: "sized.c",
    reach: "diagnosis",
    message: wrongAlignment,
    cases: [...each(["alignment"], [32, 128]), ...each(["aligned-by-sized"])],
  },
  {
    name: "malloc and delete, new and free, new and realloc",
    program: "delete.cpp",
    reach: "diagnosis",
    message: wrongFunction,
    cases: each([
      "malloc/delete",
      "malloc/delete[]",
      "calloc/delete",
      "new/free",
      "new[]/free",
      "nothrow-new/free",
      "new/realloc",
      "aligned/free",
    ]),
  },
  {
    name: "new and delete[], new[] and delete",
    program: "delete.cpp",
    reach: "diagnosis",
    message: () => "@ \\(\\d+ bytes\\) was not made by the function that belongs|" + interior(),
    cases: [
      ...each(["new/delete[]", "new[]/delete", "array-as-object", "plain-array-as-object", "element"]),
      ...each(["object-as-array"], [0], SMALL),
    ],
  },
  {
    name: "sized delete with a wrong size",
    program: "delete.cpp",
    reach: "diagnosis",
    message: wrongSize,
    cases: each(["sized", "sized[]", "sized-aligned"], [-8, 1, 8]),
  },
  {
    name: "delete with a wrong alignment",
    program: "delete.cpp",
    reach: "diagnosis",
    message: wrongAlignment,
    cases: [
      ...each(["alignment", "alignment[]"], [32, 128]),
      ...each(["aligned/unaligned", "aligned/unaligned-sized", "aligned[]/unaligned[]", "unaligned/aligned"]),
      ...each(["wide-by-void"], [0], SMALL),
    ],
  },
  {
    name: "delete by a base without a virtual destructor",
    program: "delete.cpp",
    reach: "diagnosis",
    message: () => `${wrongSize()}|${interior()}`,
    cases: each(["by-base", "by-second-base"], [0], SMALL),
  },
  {
    name: "objects with two owners",
    program: "objects.cpp",
    reach: "diagnosis",
    message: () => "double free of @",
    cases: [...each(["two-owners"]), ...each(["two-unique", "twice"], [0], SMALL)],
  },
  {
    name: "references and iterators that are no longer valid, written",
    program: "objects.cpp",
    reach: "diagnosis",
    message: () => "write after free to @",
    cases: [...each(["old-reference", "erased-storage"]), ...each(["method"], [0], SMALL)],
  },
  {
    name: "writes beyond vectors, strings, arrays, array cookies",
    program: "objects.cpp",
    reach: "diagnosis",
    message: () => "write (?:beyond the end|before the start) of @",
    cases: [
      ...each(["vector-end", "string-end", "array-end"]),
      ...each(["cookie"], [0], UP_TO_LARGE.slice(1)),
      ...each(["no-elements"], [0], SMALL),
    ],
  },
  {
    name: "use of memory never written",
    program: "uninitialised.c",
    reach: "visible",
    cases: each(["malloc", "memalign", "realloc"]),
  },
  {
    name: "hope that new memory holds what was freed",
    program: "uninitialised.c",
    reach: "visible",
    cases: each(["stale"]),
  },
  {
    name: "read after free",
    program: "read-after-free.c",
    reach: "visible",
    cases: [...each(["free", "realloc"], [0, 50, 100]), ...each(["list"])],
  },
  {
    name: "read beyond the end, in hope of a zero",
    program: "read-beyond.c",
    reach: "visible",
    cases: each(["read"], [1, 8]),
  },
  {
    name: "sizes that overflow or are negative",
    program: "arithmetic.c",
    reach: "refusal",
    cases: each(
      [
        "calloc",
        "calloc-wraps",
        "reallocarray",
        "malloc",
        "realloc",
        "memalign",
        "aligned_alloc",
        "posix_memalign",
        "pvalloc",
      ],
      [0],
      SMALL,
    ),
  },
  {
    name: "read beyond the end, with no consequence",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["read-beyond"]),
  },
  {
    name: "write by a wild index into another block",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["into-another"]),
  },
  {
    name: "write from one field of an object into the next",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["inside-object"], [0], SMALL),
  },
  {
    name: "write after free to what another owner has by now",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["reused"], [0], SIZES.slice(0, 3)),
  },
  {
    name: "write of the byte that is there anyway",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["same-byte"]),
  },
  {
    name: "write beyond the end before _exit, a signal",
    program: "beyond-reach.c",
    reach: "none",
    cases: each(["_exit", "killed"]),
  },
];
