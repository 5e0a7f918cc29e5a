import { describe, expect, it } from "vitest";
import { loadVariant, parseVariant } from "../../packages/tools/src/lab/ab/variant.js";

describe("a variant", () => {
  it.each([
    ["default", { profile: "default", revision: null, overrides: {} }],
    ["./mine.json", { profile: "./mine.json", revision: null, overrides: {} }],
    ["HK_CACHE_MAX=512", { profile: "default", revision: null, overrides: { HK_CACHE_MAX: 512 } }],
    [
      "compact,HK_CACHE_MAX=512,HK_UNSAFE=1",
      { profile: "compact", revision: null, overrides: { HK_CACHE_MAX: 512, HK_UNSAFE: 1 } },
    ],
    ["@HEAD~1", { profile: "default", revision: "HEAD~1", overrides: {} }],
    ["compact@v1.0,HK_UNSAFE=1", { profile: "compact", revision: "v1.0", overrides: { HK_UNSAFE: 1 } }],
  ])("is understood when written as %s", (spec, expected) => {
    expect(parseVariant(spec)).toEqual(expected);
  });

  it.each(["", "default@", "a@b@c", "HK_CACHE_MAX=many", "default,cache=1", "HK_CACHE_MAX="])(
    "is refused, with an example, when written as %j",
    (spec) => {
      expect(() => parseVariant(spec)).toThrow(/it must be \[PROFILE\]/);
    },
  );

  it("must name a profile that exists", async () => {
    await expect(loadVariant("nosuch")).rejects.toThrow(/nosuch.*shipped profiles are default/s);
  });

  it("must name a revision that exists", async () => {
    await expect(loadVariant("@no-such-revision")).rejects.toThrow(/no git revision "no-such-revision"/);
  });
});
