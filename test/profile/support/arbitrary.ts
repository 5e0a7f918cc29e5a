/** Profiles that the schema accepts, drawn from its own ranges, more often from their ends than from between. */

import fc, { type Arbitrary } from "fast-check";
import { z } from "zod";
import { WASM_TARGETS, traitsOf } from "../../../packages/tools/src/profile/target.js";
import { CLASS_GRID } from "../../../packages/tools/src/profile/schema.js";
import { ProfileError, parseProfile, profileSchema, type Profile } from "../../../packages/tools/src/profile/index.js";

const NAMES = { name: "random", description: "Drawn at random." };
/** Numbers tried for a field that does not say its range. */
const SMALL = Array.from({ length: 65 }, (_, number) => number);

/** Profiles for wider addresses than any WebAssembly memory has are refused for all targets but `native`. */
const WIDEST_MEMORY = Math.max(...WASM_TARGETS.map((target) => traitsOf(target).addressBits));

/** More often the standard ones, which go together with every page. */
const someClasses = fc.oneof(
  fc.constant("standard"),
  fc.subarray([...CLASS_GRID.slice(0, -1)]).map((sizes) => [...sizes, ...CLASS_GRID.slice(-1)]),
);

/** Any profile that the schema accepts, named `random`. */
export const anyProfile: Arbitrary<Profile> = fieldsOf(profileSchema)
  .map((fields) => accepted({ ...fields, ...NAMES }))
  .filter((profile) => profile !== undefined);

/** Each field is right by itself; what they say together may be refused. */
function accepted(content: unknown): Profile | undefined {
  try {
    return parseProfile(content, NAMES.name);
  } catch (error) {
    if (error instanceof ProfileError) return undefined;
    throw error;
  }
}

function fieldsOf(schema: z.ZodObject): Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(schema.shape).filter(([name]) => !Object.hasOwn(NAMES, name));
  return fc.record(
    Object.fromEntries(
      fields.map(([name, field]) => [
        name,
        field instanceof z.ZodObject ? fieldsOf(field) : valueOf(name, field as z.core.$ZodType),
      ]),
    ),
  );
}

function valueOf(name: string, field: z.core.$ZodType): Arbitrary<unknown> {
  if (name === "classes") return someClasses;
  if (field instanceof z.ZodDefault) return valueOf(name, field.unwrap());
  if (field instanceof z.ZodBoolean) return fc.boolean();
  const isRight = (value: unknown): boolean => z.safeParse(field as z.ZodType, value).success;
  if (!(field instanceof z.ZodNumber)) {
    if (!isRight("all")) throw new Error(`the field ${name} is of a kind that this test does not know`);
    const widths = SMALL.filter(isRight);
    return fc.oneof(
      fc.constant("all"),
      fc.constantFrom(...widths),
      fc.constantFrom(...widths.filter((bits) => bits <= WIDEST_MEMORY)),
    );
  }
  const { minValue: min, maxValue: max } = field;
  if (min === null || max === null) throw new Error(`the field ${name} has no bounds`);
  const powerBelow = (value: number): number => 2 ** Math.floor(Math.log2(value));
  return fc.oneof(
    fc.constantFrom(min, max),
    fc.integer({ min: 0, max: 31 }).map((exponent) => Math.min(Math.max(min, 2 ** exponent), powerBelow(max))),
    fc.integer({ min, max }).map((value) => (isRight(value) ? value : powerBelow(value))),
  );
}
