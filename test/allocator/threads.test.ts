import { describe, expect, test } from "vitest";
import { TIMEOUT_MS, seconds } from "./support/budget.js";
import { buildsWhere } from "./support/builds.js";
import { Churn, type Sizes } from "./support/churn.js";
import { Stat } from "./support/raw-heap.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL: readonly Sizes[] = [
  { least: 16, most: 128 },
  { least: 16, most: 1024 },
  { least: 16, most: 1024 },
  { least: 1024, most: 40 * KIB },
];
const ALL_SIZES: readonly Sizes[] = [...SMALL, ...SMALL, { least: 32 * KIB, most: 700 * KIB }];
const NOTHING_WRONG = { damaged: 0, overlaps: 0, refused: 0 };

describe.each(buildsWhere(({ shared, wide }) => shared && !wide))("$name", (build) => {
  test(
    "workers that free each other's blocks damage none, get none twice, and leave nothing behind",
    async () => {
      const churn = new Churn(build, { sizes: ALL_SIZES });
      for (let n = 0; n < 3; ++n) await churn.start();
      await churn.run(1_000_000, seconds(0));
      await churn.finish();
      expect(churn.findings).toMatchObject(NOTHING_WRONG);
      expect(churn.live).toBe(0);
      expect(churn.heap.stat(Stat.Threads)).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    "workers that come and go leave no more memory taken than the first ones did",
    async () => {
      const churn = new Churn(build, { sizes: SMALL, maximumPages: 640 });
      for (let round = 0; round < 5; ++round) {
        const workers = await Promise.all([churn.start(), churn.start()]);
        await churn.run(100_000);
        for (const worker of workers) await churn.stop(worker);
        churn.freeLeftovers();
      }
      await churn.finish();
      expect(churn.findings).toMatchObject(NOTHING_WRONG);
      expect(churn.live).toBe(0);
    },
    TIMEOUT_MS,
  );
});

describe.each(buildsWhere(({ shared, wide, guard }) => shared && !wide && !guard))("$name", (build) => {
  test.each([64, 1000, 20_000])(
    "a worker that only allocates and one that only frees blocks of %i bytes take little more memory than is live",
    async (size) => {
      const mailboxes = 256;
      const churn = new Churn(build, { sizes: [{ least: size, most: size }], mailboxes });
      const block = churn.heap.usableSize(churn.heap.malloc(size));
      const before = churn.heap.stat(Stat.Committed);
      await churn.start("consume");
      await churn.start("produce");
      await churn.run(1_000_000, seconds(0));
      await churn.finish();
      expect(churn.findings).toMatchObject(NOTHING_WRONG);
      expect(churn.heap.stat(Stat.Committed) - before).toBeLessThanOrEqual(mailboxes * block + 8 * MIB);
    },
    TIMEOUT_MS,
  );
});
