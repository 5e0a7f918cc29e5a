/**
 * What a profile may say. A profile is the one place where a tunable of the allocator is chosen; the build turns it into
 * compile-time constants (`constants.ts`), so a choice costs nothing at run time.
 */

import { z } from "zod";
import { RequestError } from "../base/errors.js";

const MIN_ADDRESS_BITS = 20;
/** Widest address that any target has (`native`). */
const MAX_ADDRESS_BITS = 47;
/** Largest value of a compile-time constant. */
const MAX_CONSTANT = 2 ** 31 - 1;
/** log2 of the pages of a SuperSlab; `assembly/config.ts` cuts it so. */
const SUPERSLAB_PAGES_SHIFT = 5;
/** Largest size, in bytes, of those that a profile may choose. */
const MAX_CLASS = 4096;
/** Blocks of a slab are four at least, and longer ones are granules, a sixteenth of a page. */
const MIN_PAGE_SHIFT_CLASSES = 14;
/** A thread's heap counts or learns too much for a smaller page. */
const MIN_PAGE_SHIFT_STATISTICS = 14;
/** A heap without room for a few SuperSlabs is a mistake. */
const MIN_SUPERSLABS_SHIFT = 2;

function integer(min: number, max: number, unit: string) {
  const error = `must be an integer from ${min} to ${max} (${unit})`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function powerOfTwo(min: number, max: number, unit: string) {
  const error = `must be a power of two from ${min} to ${max} (${unit})`;
  return z
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .refine((value) => (value & (value - 1)) === 0, { error });
}

function text(pattern: RegExp, meaning: string) {
  const error = `must be ${meaning}`;
  return z.string({ error }).regex(pattern, { error });
}

function isAddressBits(value: unknown): boolean {
  if (value === "all") return true;
  return Number.isInteger(value) && Number(value) >= MIN_ADDRESS_BITS && Number(value) <= MAX_ADDRESS_BITS;
}

function flag(meaning: string) {
  return z.boolean({ error: `must be true or false (${meaning})` });
}

/** The sizes of which `classes` are chosen: eight a doubling, and steps of 16 below. `assembly/size-class.ts` numbers them so. */
export const CLASS_GRID: readonly number[] = gridOfClasses();

function gridOfClasses(): number[] {
  const sizes: number[] = [];
  for (let size = 16, step = 16; size <= MAX_CLASS; size += step) {
    sizes.push(size);
    if (size >= 16 * step) step *= 2;
  }
  return sizes;
}

const CLASSES_MEANING = `"standard", or sizes in bytes in ascending order, the last one ${MAX_CLASS}, of which each is a multiple of 16 up to 256, of 32 up to 512, of 64 up to 1024, of 128 up to 2048, or of 256`;

function areClasses(value: unknown): boolean {
  if (value === "standard") return true;
  if (!Array.isArray(value) || value.at(-1) !== MAX_CLASS) return false;
  return value.every((size, index) => CLASS_GRID.includes(Number(size)) && (index === 0 || size > value[index - 1]));
}

/** The fields of a profile, each with its range and unit. */
export const profileSchema = z
  .strictObject({
    name: text(/^[a-z][a-z0-9-]{0,31}$/, "1 to 32 lower-case letters, digits and hyphens, starting with a letter"),
    description: text(/\S/, "a sentence that says what the profile is for"),
    pageShift: integer(12, 16, "log2 of a page in bytes"),
    addressBits: z.custom<number | "all">(isAddressBits, {
      error: `must be "all" or an integer from ${MIN_ADDRESS_BITS} to ${MAX_ADDRESS_BITS} (width of an address)`,
    }),
    guard: flag("fail-fast checks on every call"),
    hardened: flag("links of free blocks encoded and checked, blocks that are free marked"),
    unsafe: flag("ceiling mode: no limits and no accounting, for measurements only"),
    statistics: flag("what the allocator does is counted").default(false),
    learner: flag("threads learn how size classes are used, and choose cache sizes by it").default(false),
    classes: z
      .custom<"standard" | readonly number[]>(areClasses, { error: `must be ${CLASSES_MEANING}` })
      .default("standard"),
    cache: z.strictObject({
      minBlocks: powerOfTwo(1, 32768, "blocks of a class that a thread cache may always hold"),
      maxBlocks: powerOfTwo(1, 32768, "blocks of a class that a thread cache may grow to"),
      maxBytes: integer(1024, 2 ** 30, "bytes of a class that a thread cache may hold"),
    }),
    grow: z.strictObject({
      firstPages: integer(1, 2 ** 16, "pages of the profile's size in the first growth step"),
      maxBytes: integer(2 ** 12, 2 ** 30, "bytes that no growth step exceeds"),
    }),
    retain: z.strictObject({
      superslabs: integer(0, 2 ** 16, "empty SuperSlabs kept for reuse"),
      bytes: integer(0, MAX_CONSTANT, "bytes of empty SuperSlabs kept for reuse"),
      milliseconds: integer(0, MAX_CONSTANT, "milliseconds that an empty SuperSlab is kept"),
    }),
  })
  .check(({ value, issues }) => {
    // What fields mean together is worth saying only when each is right.
    if (issues.length > 0) return;
    const refuse = (path: string[], input: unknown, message: string) =>
      issues.push({ code: "custom", path, input, message });
    const { pageShift, addressBits, cache, grow } = value;
    const narrowest = pageShift + SUPERSLAB_PAGES_SHIFT + MIN_SUPERSLABS_SHIFT;
    if (addressBits !== "all" && addressBits < narrowest) {
      refuse(["addressBits"], addressBits, `must be at least ${narrowest} when pageShift is ${pageShift}`);
    }
    for (const field of ["statistics", "learner"] as const) {
      if (value[field] && pageShift < MIN_PAGE_SHIFT_STATISTICS) {
        refuse([field], true, `must be false when pageShift is below ${MIN_PAGE_SHIFT_STATISTICS}`);
      }
    }
    if (value.classes !== "standard" && pageShift < MIN_PAGE_SHIFT_CLASSES) {
      refuse(["classes"], value.classes, `must be "standard" when pageShift is below ${MIN_PAGE_SHIFT_CLASSES}`);
    }
    if (cache.minBlocks > cache.maxBlocks) {
      refuse(["cache", "minBlocks"], cache.minBlocks, `must not exceed cache.maxBlocks, which is ${cache.maxBlocks}`);
    }
    if (grow.firstPages * 2 ** pageShift > grow.maxBytes) {
      const pages = Math.floor(grow.maxBytes / 2 ** pageShift);
      refuse(
        ["grow", "firstPages"],
        grow.firstPages,
        `must not exceed grow.maxBytes, which is ${pages} pages of 2^${pageShift} bytes`,
      );
    }
    if (value.hardened && value.guard) {
      refuse(["hardened"], true, "must be false when guard is true: guard finds all that it does, and more");
    }
    if (value.hardened && value.unsafe) {
      refuse(["hardened"], true, "must be false when unsafe is true: one adds the checks that the other removes");
    }
    if (value.guard && value.unsafe) {
      refuse(["unsafe"], true, "must be false when guard is true: one adds the checks that the other removes");
    }
  });

/** A validated profile. */
export type Profile = DeepReadonly<z.infer<typeof profileSchema>>;

type DeepReadonly<T> = { readonly [K in keyof T]: T[K] extends object ? DeepReadonly<T[K]> : T[K] };

/** A profile that cannot be used: the message names its source and, for each field at fault, the value and what is allowed. */
export class ProfileError extends RequestError {
  override readonly name = "ProfileError";
  constructor(
    readonly source: string,
    readonly problems: readonly string[],
  ) {
    super(
      problems.length === 1
        ? `profile ${source}: ${problems[0]}`
        : `profile ${source}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
  }
}

/**
 * Validates the parsed content of a profile file. `source` is what the message calls it, usually its path.
 *
 * Throws {@link ProfileError} with every problem found.
 */
export function parseProfile(content: unknown, source: string): Profile {
  const result = profileSchema.safeParse(content);
  if (result.success) return result.data;
  throw new ProfileError(
    source,
    result.error.issues.flatMap((issue) => describe(issue, content)),
  );
}

function describe(issue: z.core.$ZodIssue, content: unknown): string[] {
  const at = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(shapeAt(at)).join(", ");
    return issue.keys.map((key) => `${[...at, key].join(".")} is not a field of a profile; fields here: ${known}`);
  }
  const value = valueAt(content, at);
  const field = at.join(".");
  if (value === undefined) return [`${field || "the content"} is missing; it ${requirement(issue)}`];
  return [`${field ? `${field} is` : "the content is"} ${JSON.stringify(value)}; it ${requirement(issue)}`];
}

/** Objects have no message of their own: what they must be is their shape. */
function requirement(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type" || issue.expected !== "object") return issue.message;
  return `must be an object with the fields ${Object.keys(shapeAt(issue.path.map(String))).join(", ")}`;
}

function shapeAt(path: readonly string[]): Record<string, unknown> {
  let shape: Record<string, unknown> = profileSchema.shape;
  for (const key of path) {
    const field = shape[key];
    if (!(field instanceof z.ZodObject)) return {};
    shape = field.shape;
  }
  return shape;
}

function valueAt(content: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    content,
  );
}
