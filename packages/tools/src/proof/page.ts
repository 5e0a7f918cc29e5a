/** What a program writes into a page of the documentation: between two marks; the words around them are their author's. */

import { readFile } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";
import { ExplainedError } from "../base/errors.js";

/** The page at `file` with `text` (Markdown) where its part `part` lies: between `<!-- part: begin -->` and `<!-- part: end -->`. */
export async function pageWith(file: string, parts: Readonly<Record<string, string>>): Promise<string> {
  let page = await readFile(file, "utf8");
  for (const [part, text] of Object.entries(parts)) {
    const marks = [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`] as const;
    const [begin, end] = marks.map((mark) => page.indexOf(mark)) as [number, number];
    if (begin < 0 || end < begin) throw new ExplainedError(`${file} has no place for ${part}: ${marks.join(" … ")}`);
    page = `${page.slice(0, begin)}${marks[0]}\n\n${text}\n\n${page.slice(end)}`;
  }
  const { format, resolveConfig } = await import("prettier");
  return format(page, { ...(await resolveConfig(file)), parser: "markdown" });
}

/** Writes what {@link pageWith} makes. */
export async function writePage(file: string, parts: Readonly<Record<string, string>>): Promise<void> {
  await writeFileAtomic(file, await pageWith(file, parts));
}
