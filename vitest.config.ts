import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // The suites start workers and compilers of their own: one test process for each core is enough.
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A property that fails must be reproducible from its report.
    printConsoleTrace: true,
  },
});
