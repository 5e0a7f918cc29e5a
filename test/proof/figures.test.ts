/** The tables of the documentation are those that the runs on record give, all of them. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { expect, it } from "vitest";
import { readProgramRuns } from "../../packages/tools/src/proof/figures/program-runs.js";
import { readRuns } from "../../packages/tools/src/proof/figures/runs.js";
import { pagesOf } from "../../packages/tools/src/proof/figures/tables.js";
import { ROOT } from "../../packages/tools/src/base/paths.js";
import { linkingParts, linkingRows } from "../../packages/tools/src/proof/linked.js";
import { pageWith } from "../../packages/tools/src/proof/page.js";

it("no table of the documentation says anything else than its record", async () => {
  const pages = Object.entries(pagesOf(await readRuns(), await readProgramRuns()));
  expect(pages.map(([page]) => path.basename(page))).toEqual(["README.md", "benchmarks.md", "native.md"]);
  pages.push([path.join(ROOT, "docs", "linking.md"), linkingParts(await linkingRows())]);
  for (const [page, parts] of pages) expect(await pageWith(page, parts)).toBe(await readFile(page, "utf8"));
});

it("a page without a place for a table is refused", async () => {
  const page = path.join(import.meta.dirname, "..", "..", "README.md");
  await expect(pageWith(page, { "what it weighs": "" })).rejects.toThrow("has no place for what it weighs");
});
