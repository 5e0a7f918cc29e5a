/** Text in columns, for a terminal and for whoever reads a file of it: no lines between cells and no colours. */

import Table from "cli-table3";

const NO_LINES = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left-mid", "mid", "mid-mid", "right", "right-mid"],
  ].map((place) => [place, ""]),
);

export interface ColumnOptions {
  /** What stands in front of each row. */
  readonly indent?: string;
  /** Widths of columns, where more rows are to follow than there are yet; the others are as wide as their widest cell. */
  readonly widths?: readonly number[];
}

/** The first column to the left, the others to the right, the last, which is for words, to the left again. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  { indent = "  ", widths = [] }: ColumnOptions = {},
): string {
  const last = Math.max(...rows.map((row) => row.length)) - 1;
  const table = new Table({
    chars: { ...NO_LINES, left: indent, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: Array.from({ length: last + 1 }, (_, n) => (n === 0 || n === last ? "left" : "right")),
    colWidths: [...widths],
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().replaceAll(/ +$/gm, "");
}
