/** The generated C under clang's sanitizers; `npm run prove -- sanitize` does the same for longer. */

import { expect, it } from "vitest";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { sanitize, SANITIZERS } from "../../packages/tools/src/proof/sanitize.js";
import { FULL } from "./support/program.js";

const EFFORT = FULL ? 200 : 2;
const LONG = FULL ? 1_800_000 : 240_000;

it.each([
  ["default", SANITIZERS],
  ["hardened", ["thread"]],
  ["guard", ["address,undefined"]],
] as const)(
  "the library of profile %s has no data race, no bad access and no undefined behaviour while threads exchange blocks, fork and end",
  { timeout: LONG },
  async (name, sanitizers) => {
    const findings = await sanitize({ profiles: [await loadProfile(name)], sanitizers, effort: EFFORT });
    expect(findings.length).toBeGreaterThan(6 * sanitizers.length);
    expect(findings.filter(({ report }) => report !== "")).toEqual([]);
  },
);

it.each([
  {
    what: "a plain load where threads race",
    sanitizer: "thread" as const,
    fault: {
      file: "runtime.h",
      from: "__atomic_load_n((any_##narrow *)at, __ATOMIC_RELAXED)",
      to: "*(any_##narrow *)at",
    },
    report: /data race/,
  },
  {
    what: "a step beyond an array",
    sanitizer: "address,undefined" as const,
    fault: {
      file: "threads.h",
      from: "for (int i = 0; i < STRAGGLERS; i++) {",
      to: "for (int i = 0; i <= STRAGGLERS; i++) {",
    },
    report: /global-buffer-overflow|index 64 out of bounds/,
  },
  {
    what: "a word that is not aligned",
    sanitizer: "address,undefined" as const,
    fault: { file: "linux.h", from: "\n  return at;\n}", to: "\n  return at + 4;\n}" },
    report: /assumption of 8 byte alignment/,
  },
])("$what in the library is reported", { timeout: LONG }, async ({ sanitizer, fault, report }) => {
  const trials = [{ program: "exchange", args: () => [2, 2000] }];
  const profiles = [await loadProfile("default")];
  const findings = await sanitize({ profiles, sanitizers: [sanitizer], effort: 1, trials, fault });
  expect(findings).toHaveLength(1);
  expect(findings[0]?.report).toMatch(report);
});
