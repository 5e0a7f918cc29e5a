import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporary } from "../support/temporary.js";

const CONFIG = fileURLToPath(new URL("../../.dependency-cruiser.js", import.meta.url));
const CRUISER = fileURLToPath(new URL("../../node_modules/.bin/depcruise", import.meta.url));
const LAYERS = [
  { members: ["top"], owns: "calls" },
  { members: ["left", "right"], owns: "blocks" },
  { members: ["ground"], owns: "pages" },
];
/** Sources in which nothing is wrong. */
const RIGHT = {
  "top.ts": 'export { left } from "./left";\nexport { map } from "./ground/linux";',
  "left.ts": 'import { map } from "./ground/linux";\nexport const left = map;',
  "right.ts": "export const right = 1;",
  "ground/linux.ts": 'import { page } from "./page";\nexport const map = page;',
  "ground/page.ts": "export const page = 1;",
};

/** The names of the rules that sources of the allocator break. */
async function violations(changes: Readonly<Record<string, string>>): Promise<string[]> {
  const directory = await temporary();
  const trees = ["assembly", "packages/hakmem/src", "packages/tools/src"];
  for (const tree of trees) {
    for (const [name, text] of Object.entries({ ...RIGHT, ...(tree === "assembly" ? changes : {}) })) {
      await mkdir(path.dirname(path.join(directory, tree, name)), { recursive: true });
      await writeFile(path.join(directory, tree, name), text);
    }
    await writeFile(path.join(directory, tree, "layers.json"), JSON.stringify({ layers: LAYERS }));
  }
  const args = [CRUISER, "--config", CONFIG, "--output-type", "json", ...trees];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: directory }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

it.each<[string, Record<string, string>, string[]]>([
  ["allow layers below, and the files of a folder each other", {}, []],
  ["forbid a layer above", { "ground/page.ts": 'export { right as page } from "../right";' }, ["assembly/ground"]],
  [
    "forbid a member of the same layer",
    { "left.ts": 'import { right } from "./right";\nexport const left = right;' },
    ["assembly/left"],
  ],
  ["forbid the allocator a library", { "right.ts": 'export { join as right } from "path";' }, ["assembly-alone"]],
  [
    "forbid a circle within a folder",
    { "ground/page.ts": 'import { map } from "./linux";\nexport const page = () => map;' },
    ["no-circular"],
  ],
  [
    "forbid a file that is in no layer",
    { "other.ts": "export const other = 1;", "top.ts": 'export { other } from "./other";' },
    ["assembly/top", "assembly/unknown"],
  ],
])("layers %s", async (_, changes, rules) => {
  expect(await violations(changes)).toEqual(rules);
});
