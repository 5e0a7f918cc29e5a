import { expect, test } from "vitest";
import { PLACES } from "../../packages/tools/src/proof/places/places.js";
import { STEP_NAMES } from "./acceptance.js";

const TIMEOUT_MS = 240_000;

/** What a place may lack, by the steps that end in an error of the library's own there. */
const LACKING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "node-20": { "64-bit memory": "HAKMEM_UNSUPPORTED" },
  bun: { "64-bit memory": "HAKMEM_UNSUPPORTED" },
  "chromium-not-isolated": Object.fromEntries(
    ["share", "hand over", "terminate and reclaim"].map((step) => [step, "HAKMEM_NOT_CROSS_ORIGIN_ISOLATED"]),
  ),
};

/** Those that are here already, or needed by other tests; `npm run prove -- places` runs all. */
const HERE = PLACES.filter(({ name }) => !["node-22", "node-26", "deno"].includes(name));

test.each(HERE)(
  "the library works in $name, or says what that lacks",
  async ({ name, run }) => {
    const expected = STEP_NAMES.map((step) => ({ name: step, result: LACKING[name]?.[step] ?? "ok" }));
    expect(await run()).toEqual(expected);
  },
  TIMEOUT_MS,
);
