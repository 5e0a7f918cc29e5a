import { describe, expect, test } from "vitest";
import { TIMEOUT_MS, seconds } from "./support/budget.js";
import { buildsWhere } from "./support/builds.js";
import { Churn } from "./support/churn.js";
import { Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const WRONG_NOTHING = { damaged: 0, overlaps: 0 };

describe.each(buildsWhere(({ shared, wide }) => shared && !wide))("$name with two workers", (build) => {
  test.each([
    { what: "large blocks", sizes: [{ least: build.pageSize / 2 + 1, most: build.pageSize * 8 }] },
    { what: "huge blocks", sizes: [{ least: build.pageSize * 8 + 1, most: 4 * MIB }] },
    {
      what: "blocks of all kinds",
      sizes: [
        { least: 16, most: 40 * KIB },
        { least: 16 * KIB, most: 600 * KIB },
        { least: 512 * KIB, most: 3 * MIB },
      ],
    },
  ])(
    "$what are made, resized, handed over and freed at the same time without harm",
    async ({ sizes }) => {
      const churn = new Churn(build, { sizes, slots: 30, mailboxes: 8, maximumPages: 8192 });
      await churn.start();
      await churn.start();
      await churn.run(15_000, seconds(0));
      await churn.finish();
      expect(churn.findings).toMatchObject({ ...WRONG_NOTHING, refused: 0 });
      expect(churn.live).toBe(0);
      expect(churn.heap.stat(Stat.FreePages)).toBe(churn.heap.stat(Stat.Committed) - churn.heap.stat(Stat.Metadata));
    },
    TIMEOUT_MS,
  );

  test(
    "a memory that is too small for both refuses some of what they ask for, and does no harm",
    async () => {
      const churn = new Churn(build, {
        sizes: [
          { least: 16, most: 40 * KIB },
          { least: 16 * KIB, most: 600 * KIB },
        ],
        slots: 200,
        mailboxes: 16,
        maximumPages: 256,
      });
      await churn.start();
      await churn.start();
      await churn.run(15_000, seconds(0));
      await churn.finish();
      expect(churn.findings).toMatchObject(WRONG_NOTHING);
      expect(churn.findings.refused).toBeGreaterThan(0);
      expect(churn.live).toBe(0);
    },
    TIMEOUT_MS,
  );
});
