import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What needs a newer Node than the oldest that is supported; scripts/test.js runs it in one. */
const NEWER = "test/node24/**/*.test.ts";

/**
 * Threads that take every core there is, and wait for each other by turns, not by a clock: beside others they wait for them, too, and
 * longer than they are patient.
 */
const ALONE = ["death", "large-race", "limit", "refusal", "threads"].map((name) => `test/allocator/${name}.test.ts`);

/**
 * Minutes, for what a change seldom breaks: the packages as npm packs them; programs, browsers and bundlers that others have written;
 * what has a command of its own (`npm run prove`). `npm test` runs them where `CI` is set, or when they are named (scripts/test.js).
 */
const SLOW = [
  "allocator/stale-size",
  "browser/growth",
  "lab/programs",
  "linked/archives",
  "linked/emscripten",
  "linked/emscripten-own",
  "native/fuzz",
  "native/interrupted",
  "native/mistakes",
  "native/plugins",
  "native/programs",
  "native/sanitize",
  "packages/packed",
  "places/places",
  "proof/soak",
  "tune/found",
].map((name) => `test/${name}.test.ts`);
const LEFT_OUT = process.env["HAKMEM_TESTS"] === "short" ? SLOW : [];

/** What takes longest begins first, so that at the end no core waits for the other; the rest as vitest has it. */
const LONGEST = [
  "packages/packed",
  "native/programs",
  "browser/growth",
  "places/places",
  "native/mistakes",
  "native/fuzz",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const one = { include: [NEWER] };
const two = [
  // The suites start workers and compilers of their own: a test process for each core is enough.
  {
    name: "beside",
    include: ["test/**/*.test.ts"],
    exclude: [NEWER, ...ALONE, ...LEFT_OUT],
    maxWorkers: 2,
    groupOrder: 0,
  },
  { name: "alone", include: ALONE, exclude: [], maxWorkers: 1, groupOrder: 1 },
];

export default defineConfig({
  test: {
    pool: "forks",
    // Of tests that are marked as concurrent, those at once: each takes a core, and up to 2 GiB.
    maxConcurrency: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A property that fails must be reproducible from its report.
    printConsoleTrace: true,
    ...(process.env["HAKMEM_TESTS"] === "node24"
      ? one
      : {
          projects: two.map(({ groupOrder, ...test }) => ({
            extends: true,
            test: { ...test, sequence: { groupOrder } },
          })),
        }),
  },
});
