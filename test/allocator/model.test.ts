import fc from "fast-check";
import { describe, test } from "vitest";
import { TIMEOUT_MS, runs } from "./support/budget.js";
import { BUILDS, buildsWhere } from "./support/builds.js";
import { operations } from "./support/operations.js";
import { Program } from "./support/program.js";
import { RawMemory } from "./support/raw-heap.js";

/** Memory maxima, in 64 KiB pages: exhausted at once, often, and hardly ever. */
const maximum = fc.constantFrom(40, 100, 400);
const OPERATIONS = 400;

describe.each(BUILDS)("$name", (build) => {
  test(
    "blocks never overlap, keep their contents, and are as large and as aligned as was asked for, to the last free",
    () => {
      fc.assert(
        fc.property(operations(OPERATIONS), maximum, (list, pages) => {
          const program = new Program(new RawMemory(build, pages));
          program.run(list);
          program.finish();
        }),
        runs(15),
      );
    },
    TIMEOUT_MS,
  );
});

describe.each(buildsWhere(({ shared }) => shared))("$name with threads that take turns", (build) => {
  test(
    "any thread frees any block, threads come, exit and die, and nothing is lost or handed out twice",
    () => {
      fc.assert(
        fc.property(operations(OPERATIONS, { threads: true }), maximum, (list, pages) => {
          const program = new Program(new RawMemory(build, pages), 4);
          program.run(list);
          program.finish();
        }),
        runs(15),
      );
    },
    TIMEOUT_MS,
  );
});
