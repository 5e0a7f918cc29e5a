import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findViolations, readLayers, violationsOf } from "../../scripts/layers.js";

const LAYERS = [
  { members: ["top"], owns: "calls" },
  { members: ["left", "right"], owns: "blocks" },
  { members: ["ground"], owns: "pages" },
];

function whyOf(file: string, text: string): string[] {
  return violationsOf(file, text, LAYERS).map(({ why }) => why);
}

describe("the layers of the allocator", () => {
  it("hold for its sources", async () => {
    const directory = fileURLToPath(new URL("../../assembly/", import.meta.url));
    expect(await findViolations(directory, await readLayers(directory))).toEqual([]);
  });

  it("allow imports of any layer below", () => {
    expect(whyOf("top.ts", 'import { a } from "./left";\nexport * from "./ground";')).toEqual([]);
  });

  it("allow the files of a folder to use each other", () => {
    expect(whyOf("ground/index.ts", 'export { map } from "./linux";')).toEqual([]);
  });

  it("forbid imports of a layer above, naming the file, the line, the import and why", () => {
    const text = '// A comment with import { x } from "./top".\n\nimport { call } from "../top";';
    expect(violationsOf("ground/linux.ts", text, LAYERS)).toEqual([
      {
        file: "ground/linux.ts",
        line: 3,
        imports: "../top",
        why: "ground (layer 3 of 3, pages) is below top (layer 1 of 3, calls)",
      },
    ]);
  });

  it("forbid imports within a layer", () => {
    expect(whyOf("left.ts", 'import { b } from "./right";')).toEqual([
      "left and right are in the same layer (layer 2 of 3, blocks); only layers below may be imported",
    ]);
  });

  it("count re-exports as imports", () => {
    expect(whyOf("ground.ts", 'export { call } from "./top";')).toHaveLength(1);
  });

  it("see past the decorators that only AssemblyScript allows", () => {
    const text = '// @ts-ignore: decorator\n@inline function f(): void {}\nimport { call } from "./top";';
    expect(whyOf("ground.ts", text)).toHaveLength(1);
  });

  it("forbid what is outside: libraries and other folders", () => {
    expect(whyOf("top.ts", 'import { x } from "util";\nimport { y } from "../bench/random";')).toEqual([
      "the allocator uses no library; only relative imports are allowed",
      "it is outside of the allocator",
    ]);
  });

  it("name only what exists", async () => {
    const directory = fileURLToPath(new URL("./fixture/assembly/", import.meta.url));
    const layers = [
      ...LAYERS.slice(0, 1),
      { members: ["guarded"], owns: "checked calls" },
      { members: ["index"], owns: "calls" },
      { members: ["round"], owns: "sizes" },
    ];
    expect(await findViolations(directory, layers)).toEqual([
      { file: "layers.json", line: 1, imports: "", why: "top is neither file nor folder" },
    ]);
  });

  it("must name every file", () => {
    expect(whyOf("other.ts", "")).toEqual(["other is in no layer; add it to layers.json"]);
    expect(whyOf("top.ts", 'import { a } from "./other";')).toEqual(["other is in no layer; add it to layers.json"]);
  });
});
