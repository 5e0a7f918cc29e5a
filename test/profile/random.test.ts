import * as path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildNative } from "../../packages/tools/src/build/native.js";
import { WASM_TARGETS, type Target } from "../../packages/tools/src/profile/target.js";
import { buildWasm } from "../../packages/tools/src/build/wasm.js";
import { CLASS_GRID } from "../../packages/tools/src/profile/schema.js";
import { constantsOf, loadProfile, ProfileError, type Profile } from "../../packages/tools/src/profile/index.js";
import { buildFrom, type Build } from "../allocator/support/builds.js";
import { Churn } from "../allocator/support/churn.js";
import { operations } from "../allocator/support/operations.js";
import { Program } from "../allocator/support/program.js";
import { RawMemory } from "../allocator/support/raw-heap.js";
import { compile, run, scratch } from "../native/support/program.js";
import { anyProfile } from "./support/arbitrary.js";
import { TEST_SEED } from "../support/random.js";
import { DRAWN } from "./support/drawn.js";

const KIB = 1024;
const base = await loadProfile("default");
/** So many are drawn for every change, for one target each. */
const FEW = 6;
const OPERATIONS = 300;
/** Memory maxima, in 64 KiB pages. */
const MAXIMA = [100, 400];
const RUNS = { numRuns: 4, seed: TEST_SEED, interruptAfterTimeLimit: 10_000 };
const TIMEOUT_MS = 300_000;

type Case = [target: Target, text: string, profile: Profile];

describe("a profile that the schema accepts works", () => {
  test.each(DRAWN === undefined ? few() : many(DRAWN))(
    "for %s: %s",
    (target, _, profile) => buildAndChurn(profile, target),
    TIMEOUT_MS,
  );
});

/** What once was accepted and did not work. */
describe("a profile works", () => {
  test.each([
    ["wasm32", { classes: [32, 80, 144, 208, 320, 512, 832, 1280, 2304, 4096] }],
    ["wasm32-shared", { classes: [4096] }],
    ["wasm32", { classes: [3328, 4096], statistics: true }],
    ["wasm32-shared", { learner: true, statistics: true }],
    ["wasm64", { learner: true, hardened: true }],
    ["native", { learner: true }],
    ["wasm64", { classes: CLASS_GRID, hardened: true }],
    ["wasm32-shared", { classes: [16, 240, 1024, 3840, 4096], guard: true, pageShift: 15 }],
    ["native", { classes: [48, 96, 288, 640, 1152, 1920, 4096] }],
    ["wasm32", { cache: { minBlocks: 1, maxBlocks: 2048, maxBytes: 262144 } }],
    ["wasm32-shared", { cache: { minBlocks: 1, maxBlocks: 1, maxBytes: 1024 } }],
    ["wasm32-shared", { pageShift: 12, guard: true }],
    ["native", { pageShift: 12 }],
  ] as const)("for %s with %j", (target, fields) => buildAndChurn({ ...base, ...fields }, target), TIMEOUT_MS);
});

/** One target each, and another each time. */
function few(): Case[] {
  const fitting = anyProfile.filter((profile) => targetsOf(profile).length > 0);
  return fc.sample(fitting, { numRuns: FEW, seed: TEST_SEED }).map((profile, n) => {
    const targets = targetsOf(profile);
    return caseOf(profile, targets[n % targets.length]!);
  });
}

function many(count: number): Case[] {
  const drawn = fc.sample(anyProfile, { numRuns: count, seed: TEST_SEED });
  return drawn.flatMap((profile) =>
    [...targetsOf(profile), "native" as const].map((target) => caseOf(profile, target)),
  );
}

function caseOf(profile: Profile, target: Target): Case {
  return [target, JSON.stringify(profile), profile];
}

/** The targets whose addresses the profile fits; for the others it is refused with what is wrong. */
function targetsOf(profile: Profile): Target[] {
  return WASM_TARGETS.filter((target) => {
    try {
      return constantsOf(profile, target);
    } catch (error) {
      if (error instanceof ProfileError && /^(pageShift|addressBits) is \d+; /.test(error.problems[0]!)) return false;
      throw error;
    }
  });
}

async function buildAndChurn(profile: Profile, target: Target): Promise<void> {
  if (target === "native") return churnNative(profile);
  const build = await buildOne(profile, target);
  if (build === undefined) return;
  takeTurns(build);
  if (build.shared && !build.wide) await race(build);
}

/** Undefined where this Node has no 64-bit memories. */
async function buildOne(profile: Profile, target: Target): Promise<Build | undefined> {
  const code = await buildWasm({ profile, target });
  return buildFrom(profile.name, target, code as Uint8Array<ArrayBuffer>, constantsOf(profile, target));
}

/** Runs programs as model.test.ts and growth.test.ts do. */
function takeTurns(build: Build): void {
  const threads = build.shared;
  fc.assert(
    fc.property(operations(OPERATIONS, { foreignPages: true, threads }), fc.constantFrom(...MAXIMA), (list, pages) => {
      const program = new Program(new RawMemory(build, pages), threads ? 3 : 1);
      program.run(list);
      program.finish();
    }),
    RUNS,
  );
}

/** Lets two workers free each other's blocks. */
async function race(build: Build): Promise<void> {
  const sizes = [
    { least: 16, most: KIB },
    { least: KIB, most: 100 * KIB },
  ];
  const churn = new Churn(build, { sizes, slots: 50, maximumPages: 1000 });
  await churn.start();
  await churn.start();
  await churn.run(5000);
  await churn.finish();
  expect(churn.findings).toMatchObject({ damaged: 0, overlaps: 0 });
  if (!build.unsafe) expect(churn.live).toBe(0);
}

async function churnNative(profile: Profile): Promise<void> {
  const preload = await buildNative({ profile, out: path.join(scratch(), "native") });
  expect(await run(await compile("churn.c"), [], { preload })).toMatchObject({
    status: 0,
    output: "done\n",
    errors: "",
  });
}
