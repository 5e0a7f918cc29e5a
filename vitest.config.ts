import { defineConfig } from "vitest/config";

/** What needs a newer Node than the oldest that is supported; scripts/test.js runs it in one. */
const NEWER = "test/node24/**/*.test.ts";
const isNewer = Number(process.versions.node.split(".")[0]) >= 24;

export default defineConfig({
  test: {
    include: [process.env["HAKMEM_TESTS"] === "node24" ? NEWER : "test/**/*.test.ts"],
    exclude: isNewer ? [] : [NEWER],
    // The suites start workers and compilers of their own: one test process for each core is enough.
    pool: "forks",
    // Of tests that are marked as concurrent, those at once: each takes a core, and up to 2 GiB.
    maxConcurrency: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A property that fails must be reproducible from its report.
    printConsoleTrace: true,
  },
});
