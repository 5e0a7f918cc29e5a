/** The page: one file without anything outside of it, which scripts/build-viewer.js makes. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { COMPILED } from "../base/paths.js";
import type { View } from "./data.js";

const PAGE = path.join(COMPILED, "view", "page.html");
const PLACE = "<!-- data -->";

/** The page with `views` in it; without, it asks its server for them. */
export async function viewerPage(views?: readonly View[]): Promise<string> {
  const page = await readFile(PAGE, "utf8");
  if (views === undefined) return page;
  const json = JSON.stringify(views).replaceAll("<", "\\u003c");
  return page.replace(PLACE, () => `<script type="application/json" id="data">${json}</script>`);
}
