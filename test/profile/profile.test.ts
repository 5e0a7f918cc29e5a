import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TARGET_NAMES } from "../../packages/tools/src/profile/target.js";
import {
  constantsOf,
  loadProfile,
  loadShippedProfiles,
  parseProfile,
  ProfileError,
  shippedProfileNames,
} from "../../packages/tools/src/profile/index.js";
import { temporary } from "../support/temporary.js";

const base = await loadProfile("default");

/** The default profile with one field, named by its path, replaced (or removed, with `undefined`). */
function withField(field: string, value: unknown): unknown {
  const copy = structuredClone(base) as unknown as Record<string, unknown>;
  const keys = field.split(".");
  const last = keys.pop() as string;
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
  return JSON.parse(JSON.stringify(copy));
}

function problemsOf(content: unknown): readonly string[] {
  try {
    parseProfile(content, "test.json");
  } catch (error) {
    expect(error).toBeInstanceOf(ProfileError);
    return (error as ProfileError).problems;
  }
  return [];
}

describe("a profile file", () => {
  it("is one of three shipped ones, default first", async () => {
    expect(await shippedProfileNames()).toEqual(["default", "compact", "guard", "hardened"]);
  });

  it("is found by name, and says the same when found by path", async () => {
    const shipped = fileURLToPath(new URL("../../profiles/compact.json", import.meta.url));
    expect(await loadProfile(shipped)).toEqual(await loadProfile("compact"));
  });

  it("of an unknown name is refused with the names that exist", async () => {
    await expect(loadProfile("fastest")).rejects.toThrow(
      /profile fastest: .*default, compact, guard, hardened.*\.\/fastest\.json/,
    );
  });

  it("at a path where there is none is refused with the path looked for", async () => {
    await expect(loadProfile("./no/such.json")).rejects.toThrow(path.resolve("no/such.json"));
  });

  it("that is not JSON is refused as that", async () => {
    const file = path.join(await temporary(), "broken.json");
    await writeFile(file, '{"name": ');
    await expect(loadProfile(file)).rejects.toThrow(/broken\.json: is not JSON/);
  });
});

describe("a field", () => {
  it.each([
    ["pageShift", 17, "pageShift is 17; it must be an integer from 12 to 16 (log2 of a page in bytes)"],
    ["pageShift", 13.5, "pageShift is 13.5; it must be an integer from 12 to 16"],
    ["pageShift", "16", 'pageShift is "16"; it must be an integer from 12 to 16'],
    ["addressBits", 48, 'addressBits is 48; it must be "all" or an integer from 20 to 47'],
    ["addressBits", "some", 'addressBits is "some"; it must be "all" or'],
    ["addressBits", 20, "addressBits is 20; it must be at least 21 when pageShift is 14"],
    ["guard", 1, "guard is 1; it must be true or false"],
    ["cache.minBlocks", 24, "cache.minBlocks is 24; it must be a power of two from 1 to 32768"],
    ["cache.minBlocks", 4096, "cache.minBlocks is 4096; it must not exceed cache.maxBlocks, which is 2048"],
    ["cache.maxBytes", 0, "cache.maxBytes is 0; it must be an integer from 1024"],
    ["grow.firstPages", 0, "grow.firstPages is 0; it must be an integer from 1"],
    [
      "grow.firstPages",
      4097,
      "grow.firstPages is 4097; it must not exceed grow.maxBytes, which is 4096 pages of 2^14 bytes",
    ],
    ["retain.bytes", 2 ** 31, "retain.bytes is 2147483648; it must be an integer from 0 to 2147483647"],
    ["retain.milliseconds", -1, "retain.milliseconds is -1; it must be an integer from 0"],
    [
      "classes",
      "all",
      'classes is "all"; it must be "standard", or sizes in bytes in ascending order, the last one 4096',
    ],
    ["classes", [16, 272, 4096], "classes is [16,272,4096]; it must be"],
    ["classes", [32, 16, 4096], "classes is [32,16,4096]; it must be"],
    ["classes", [16], "classes is [16]; it must be"],
    ["name", "My Profile", 'name is "My Profile"; it must be 1 to 32 lower-case letters'],
    ["cache", 3, "cache is 3; it must be an object with the fields minBlocks, maxBlocks, maxBytes"],
    ["description", undefined, "description is missing; it must"],
  ])("%s of %j is refused with its value and what is allowed", (field, value, message) => {
    const problems = problemsOf(withField(field, value));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it("that does not exist is refused with the ones that do", () => {
    expect(problemsOf(withField("cache.minBlock", 16))).toEqual([
      "cache.minBlock is not a field of a profile; fields here: minBlocks, maxBlocks, maxBytes",
    ]);
  });

  it("is reported together with the others at fault", () => {
    expect(problemsOf({ ...(withField("pageShift", 1) as object), guard: "yes" })).toHaveLength(2);
  });

  it("unsafe contradicts guard", () => {
    const problems = problemsOf({ ...base, guard: true, unsafe: true });
    expect(problems).toEqual([expect.stringMatching(/^unsafe is true; it must be false when guard is true/)]);
    for (const other of ["guard", "unsafe"]) {
      expect(problemsOf({ ...base, hardened: true, [other]: true })).toEqual([
        expect.stringMatching(`^hardened is true; it must be false when ${other} is true`),
      ]);
    }
  });

  it("of the wrong kind never breaks the report itself", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => {
        const problems = problemsOf(content);
        expect(problems.length).toBeGreaterThan(0);
        for (const problem of problems) expect(problem).toMatch(/ (is|must|are) /);
      }),
    );
  });
});

describe("the constants of a profile", () => {
  it("are exactly those that the allocator declares", async () => {
    const declarations = await readFile(new URL("../../assembly/constants.d.ts", import.meta.url), "utf8");
    const declared = [...declarations.matchAll(/declare const (\w+):/g)].map((match) => match[1]);
    expect(Object.keys(constantsOf(base, "wasm32")).sort()).toEqual(declared.sort());
  });

  it("are 32-bit integers for every shipped profile and target", async () => {
    for (const profile of await loadShippedProfiles()) {
      for (const target of TARGET_NAMES) {
        for (const value of Object.values(constantsOf(profile, target))) expect(value).toBe(value | 0);
      }
    }
  });

  it("follow the target in sharing and address width", () => {
    expect(constantsOf(base, "wasm32")).toMatchObject({ HK_SHARED: 0, HK_NATIVE: 0, HK_ADDRESS_BITS: 32 });
    expect(constantsOf(base, "wasm32-shared")).toMatchObject({ HK_SHARED: 1, HK_NATIVE: 0, HK_ADDRESS_BITS: 32 });
    expect(constantsOf(base, "wasm64")).toMatchObject({ HK_SHARED: 0, HK_NATIVE: 0, HK_ADDRESS_BITS: 34 });
    expect(constantsOf(base, "native")).toMatchObject({ HK_SHARED: 1, HK_NATIVE: 1, HK_ADDRESS_BITS: 47 });
  });

  it("are refused when the target's addresses are narrower than the profile's", () => {
    expect(() => constantsOf({ ...base, addressBits: 34 }, "wasm32")).toThrow(
      "addressBits is 34; target wasm32 has addresses of 32 bits",
    );
  });

  it("are refused when the map of the address space would be larger than most heaps", () => {
    expect(() => constantsOf({ ...base, pageShift: 13 }, "wasm64")).toThrow(/pageShift is 13; .* must be at least 14/);
  });

  it("are refused when a thread's heap would not fit a page", () => {
    const narrow = { ...base, pageShift: 12, addressBits: 32 };
    for (const target of ["wasm64", "wasm64-shared"] as const) {
      expect(() => constantsOf(narrow, target)).toThrow(
        `pageShift is 12; with pointers of 64 bits (target ${target}) it must be at least 13, or a thread's heap does not fit`,
      );
    }
    for (const target of ["wasm32", "wasm32-shared"] as const) {
      expect(() => constantsOf({ ...narrow, hardened: true }, target)).toThrow(
        "pageShift is 12; in a hardened build it must be at least 13, or a thread's heap does not fit a page",
      );
    }
    for (const target of ["wasm32", "wasm32-shared"] as const) {
      expect(constantsOf(narrow, target)).toMatchObject({ HK_PAGE_SHIFT: 12 });
    }
  });
  it("have pages of 64 KiB at least where memory is virtual, and a page costs what is touched of it", () => {
    expect(constantsOf({ ...base, pageShift: 14 }, "native")).toMatchObject({ HK_PAGE_SHIFT: 16 });
    expect(constantsOf({ ...base, pageShift: 14 }, "wasm32")).toMatchObject({ HK_PAGE_SHIFT: 14 });
  });

  it("take overrides of constants that exist, and no others", () => {
    expect(constantsOf(base, "wasm32", { HK_CACHE_MAX: 64 }).HK_CACHE_MAX).toBe(64);
    expect(() => constantsOf(base, "wasm32", { HK_CACHE: 64 })).toThrow(/HK_CACHE is not a constant; .*HK_CACHE_MAX/);
    expect(() => constantsOf(base, "wasm32", { HK_CACHE_MAX: 0.5 })).toThrow("HK_CACHE_MAX is 0.5");
  });
});
