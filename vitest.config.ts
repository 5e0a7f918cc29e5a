import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
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
