import { expect, it } from "vitest";
import { alignColumns } from "../../packages/tools/src/base/columns.js";

it("columns are as wide as their widest cells, numbers to the right and words to the left, without blanks at the end", () => {
  const rows = [
    ["peer", "ns/op", ""],
    ["hakmem", "3.14 ±1 %", ""],
    ["tlsf", "10.00", "FAILED: it fell"],
  ];
  expect(alignColumns(rows)).toBe(
    ["  peer        ns/op", "  hakmem  3.14 ±1 %", "  tlsf        10.00  FAILED: it fell"].join("\n"),
  );
});

it("a row by itself takes the widths that it is told", () => {
  expect(alignColumns([["a", "1", "x"]], { indent: "", widths: [3, 4] })).toBe("a       1  x");
});

it("a cell of several lines keeps its column", () => {
  expect(
    alignColumns([
      ["a", "1", "one\ntwo"],
      ["b", "2", ""],
    ]),
  ).toBe("  a  1  one\n        two\n  b  2");
});
