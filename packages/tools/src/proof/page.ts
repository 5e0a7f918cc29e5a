/** What a program writes into a page of the documentation: between two marks; the words around them are their author's. */

import { readFile } from "node:fs/promises";
import { writeWhole } from "../base/cache.js";
import { RequestError } from "../base/errors.js";

/** The marks between which the part `part` of a page lies. */
export function marksOf(part: string): readonly [begin: string, end: string] {
  return [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`];
}

/**
 * `page` with `text` (Markdown) between the marks of `part`. Throws {@link RequestError} when they are not there.
 * @param file where the page is from, for the message
 * @param what what is to lie there, for the message
 */
export function withPart(page: string, part: string, text: string, file: string, what = part): string {
  const marks = marksOf(part);
  const [begin, end] = marks.map((mark) => page.indexOf(mark)) as [number, number];
  if (begin < 0 || end < begin)
    throw new RequestError(`${file} has no place for ${what}: it lies between ${marks.join(" and ")}`);
  return `${page.slice(0, begin)}${marks[0]}\n\n${text}\n\n${page.slice(end)}`;
}

/** The page at `file` with these parts, formatted as this project's pages are. */
export async function pageWith(file: string, parts: Readonly<Record<string, string>>): Promise<string> {
  let page = await readFile(file, "utf8");
  for (const [part, text] of Object.entries(parts)) page = withPart(page, part, text, file);
  const { format, resolveConfig } = await import("prettier");
  return format(page, { ...(await resolveConfig(file)), parser: "markdown" });
}

/** Writes what {@link pageWith} makes. */
export async function writePage(file: string, parts: Readonly<Record<string, string>>): Promise<void> {
  await writeWhole(file, await pageWith(file, parts));
}
