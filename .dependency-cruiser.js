/** The order of all sources: layers are data (`layers.json` of each tree), and nothing imports in a circle. */

import { existsSync, readFileSync } from "node:fs";

/** Each holds a `layers.json`: the stack of its layers, top to bottom. */
const TREES = ["assembly", "packages/hakmem/src", "packages/tools/src"];

/** @typedef {{ members: readonly string[]; owns: string }} Layer */

/**
 * A file or folder of `tree`, as a regular expression.
 * @param {string} tree
 * @param {readonly string[]} members
 */
function pathOf(tree, members) {
  return `^${tree}/(${members.join("|")})(/|\\.ts$)`;
}

/**
 * What each layer of `tree` may import: layers below its own. A folder is one member, whose files may use each other.
 * @param {string} tree
 */
function rulesOf(tree) {
  const { layers } = /** @type {{ layers: Layer[] }} */ (JSON.parse(readFileSync(`${tree}/layers.json`, "utf8")));
  const all = layers.flatMap(({ members }) => members);
  const absent = all.find((member) => !existsSync(`${tree}/${member}`) && !existsSync(`${tree}/${member}.ts`));
  if (absent !== undefined) throw new Error(`${tree}/layers.json: ${absent} is neither file nor folder`);
  return [
    ...layers.flatMap(({ members, owns }, depth) => {
      const below = layers.slice(depth + 1).flatMap((layer) => layer.members);
      return members.map((member) => ({
        name: `${tree}/${member}`,
        comment: `${owns}: only layers below may be imported`,
        severity: "error",
        from: { path: pathOf(tree, [member]) },
        to: { path: `^${tree}/`, pathNot: [pathOf(tree, [...below, member]), "\\.d\\.ts$"] },
      }));
    }),
    {
      name: `${tree}/unknown`,
      comment: "a file that is in no layer",
      severity: "error",
      from: {},
      to: { path: `^${tree}/`, pathNot: [pathOf(tree, all), "\\.d\\.ts$"] },
    },
  ];
}

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...TREES.flatMap(rulesOf),
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "assembly-alone",
      comment: "the allocator uses no library",
      severity: "error",
      from: { path: "^assembly/" },
      to: { pathNot: "^assembly/" },
    },
    {
      name: "library-alone",
      comment: "the library has no run-time dependency; fflate's part that decompresses is built in",
      severity: "error",
      from: { path: "^packages/hakmem/src/" },
      to: { pathNot: "^(packages/hakmem/src/|#modules/|node_modules/fflate/)" },
    },
    {
      name: "resolvable",
      severity: "error",
      from: { path: "^(packages/tools|test|scripts)/" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types"],
      extensions: [".ts", ".js", ".d.ts"],
    },
  },
};
