/** The generated C under clang's sanitizers; `npm run prove -- sanitize` does the same for longer. */

import { beforeAll, describe, expect, it } from "vitest";
import { loadProfile, type Profile } from "../../src/profile/index.js";
import { type Finding, sanitize, SANITIZERS } from "../../src/proof/sanitize.js";
import { FULL } from "./support/program.js";

const EFFORT = FULL ? 200 : 8;
const LONG = FULL ? 1_800_000 : 240_000;

function wrong(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ report }) => report !== "")
    .map(({ sanitizer, run, report }) => `${sanitizer}: ${run} ${report}`);
}

describe.each(["default", "guard"])("the native library of profile %s", { timeout: LONG }, (name) => {
  let profile: Profile;
  beforeAll(async () => {
    profile = await loadProfile(name);
  });

  it("has no data race, no bad access and no undefined behaviour while threads exchange blocks, fork and end", async () => {
    const findings = await sanitize({ profiles: [profile], sanitizers: SANITIZERS, effort: EFFORT });
    expect(findings.length).toBeGreaterThan(15);
    expect(wrong(findings).join("\n")).toBe("");
  });
});

it(
  "a program that is wrong is reported beside the native library under each sanitizer",
  { timeout: LONG },
  async () => {
    const findings = await sanitize({
      profiles: [await loadProfile("default")],
      sanitizers: SANITIZERS,
      effort: 1,
      trials: [{ program: "wrong", args: (_, sanitizer) => [sanitizer] }],
    });
    const expected = { thread: /data race/, address: /global-buffer-overflow/, undefined: /misaligned/ };
    for (const { sanitizer, report } of findings) expect(report).toMatch(expected[sanitizer]);
    expect(findings).toHaveLength(SANITIZERS.length);
  },
);
