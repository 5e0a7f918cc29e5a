import fc from "fast-check";
import { describe, test } from "vitest";
import { TIMEOUT_MS, runs } from "./support/budget.js";
import { BUILDS } from "./support/builds.js";
import { operations } from "./support/operations.js";
import { Program } from "./support/program.js";
import { RawMemory } from "./support/raw-heap.js";

const OPERATIONS = 400;

describe.each(BUILDS)("$name", (build) => {
  test(
    "a memory in which somebody else takes pages too is shared with them, and growth that is refused does no harm",
    () => {
      fc.assert(
        fc.property(
          operations(OPERATIONS, { foreignPages: true, threads: build.shared }),
          fc.integer({ min: 24, max: 300 }),
          (list, pages) => {
            const program = new Program(new RawMemory(build, pages), build.shared ? 3 : 1);
            program.run(list);
            program.finish();
          },
        ),
        runs(15),
      );
    },
    TIMEOUT_MS,
  );
});
