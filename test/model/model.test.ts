/**
 * The models of `docs/model/`, in those of their sizes that take seconds; `npm run prove -- model` does the others, too. Every
 * mutation is caught here.
 */

import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { check, MODEL_DIRECTORY, ModelError, parseVerdict } from "../../packages/tools/src/proof/model/check.js";
import { configurationOf, MODELS } from "../../packages/tools/src/proof/model/models.js";
import { mutationTable, parseTables, sizeTable } from "../../packages/tools/src/proof/model/tables.js";

/** What no model is: included by all of them. */
const COMMON = "common.pml";
/** Searches take seconds, of a machine that may have others to do. */
const TIMEOUT_MS = 300_000;

describe.concurrent.each(MODELS)("the model of $what ($name)", (model) => {
  const small = model.configurations.filter(({ large }) => large !== true);

  it.each(small)(
    "holds: $name",
    async (configuration) => {
      expect(await check(model, configuration)).toMatchObject({ result: "holds" });
    },
    TIMEOUT_MS,
  );

  it.each(model.mutations)(
    "is caught when $what ($name)",
    async (mutation) => {
      expect(await check(model, configurationOf(model, mutation.by), { mutation })).toMatchObject({
        result: "refuted",
      });
    },
    TIMEOUT_MS,
  );
});

describe("the list of models", () => {
  it("has every model of docs/model and every mutation in them, and no others", async () => {
    const files = (await readdir(MODEL_DIRECTORY)).filter((file) => file.endsWith(".pml") && file !== COMMON);
    expect(MODELS.map(({ name }) => `${name}.pml`).sort()).toEqual(files.sort());
    for (const { name, mutations } of MODELS) {
      const text = await readFile(path.join(MODEL_DIRECTORY, `${name}.pml`), "utf8");
      const used = new Set([...text.matchAll(/MUTATION_(\w+)/g)].map(([, mutation]) => mutation));
      expect(mutations.map((mutation) => mutation.name).sort(), name).toEqual([...used].sort());
    }
  });

  it("is explained in docs/model/README.md", async () => {
    const text = await readFile(path.join(MODEL_DIRECTORY, "README.md"), "utf8");
    for (const { name } of MODELS) expect(text).toContain(`\`${name}.pml\``);
    const tables = parseTables(text);
    expect(tables).toContainEqual(mutationTable(MODELS));
    const sizes = tables.find(([head]) => head?.includes("states")) ?? [];
    const figures = sizes.slice(1).map((row) => row.slice(-2));
    expect(sizes.map((row) => row.slice(0, -2))).toEqual(
      sizeTable(MODELS, () => undefined).map((row) => row.slice(0, -2)),
    );
    for (const figure of figures.flat()) expect(Number(figure)).toBeGreaterThan(0);
  });
});

describe("what SPIN's verifier prints", () => {
  const FULL = `(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction

Full statespace search for:
	never claim         	- (none specified)

State-vector 116 byte, depth reached 189, errors: 0
   602038 states, stored
`;

  it("is a proof when all states were searched", () => {
    expect(parseVerdict(FULL)).toEqual({ result: "holds", states: 602038, depth: 189 });
  });

  it("is a refutation when an assertion, the progress or an end state is wrong", () => {
    for (const found of ["assertion violated lacking[me]", "non-progress cycle", "invalid end state"]) {
      const text = `pan:1: ${found} (at depth 97)\n${FULL.replace("errors: 0", "errors: 1")}`;
      expect(parseVerdict(text)).toMatchObject({ result: "refuted", found });
    }
  });

  it.each([
    ["not deep enough", `error: max search depth too small\n${FULL}`],
    ["out of memory", `pan: reached -DMEMLIM bound\n${FULL}`],
    ["not completed", `Warning: Search not completed\n${FULL}`],
    ["of a part of the states", FULL.replace("Full statespace", "Bit statespace")],
    ["over before its end", FULL.slice(0, 100)],
    ["wrong by itself", FULL.replace("errors: 0", "errors: 1")],
  ])("is neither when the search was %s", (_, text) => {
    expect(() => parseVerdict(text)).toThrow(ModelError);
  });
});
