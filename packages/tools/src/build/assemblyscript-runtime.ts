/**
 * The allocator as a runtime for AssemblyScript's own programs: sources that its compiler takes with `--runtime`.
 *
 *   NAME/incremental.ts, NAME/minimal.ts   for a profile, with one of the two collectors
 *   NAME/constants.ts                      what the profile means
 *   allocator/                             the sources, which all profiles share
 */

import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { RequestError } from "../base/errors.js";
import { ROOT } from "../base/paths.js";
import { constantsOf, type Profile } from "../profile/index.js";

/** Folder of the sources, beside those of the profiles. */
const SHARED = "allocator";
const SOURCES = path.join(ROOT, "assembly");
/** Of AssemblyScript: what it calls its runtimes, and the collectors that are in them. */
const COLLECTORS = { incremental: "rt/itcms", minimal: "rt/tcms" } as const;

/** The files of the runtime for these profiles: paths to texts. Rejects with `ProfileError` for one that no 32-bit module can have. */
export async function runtimeFiles(profiles: readonly Profile[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const profile of profiles) {
    if (profile.name === SHARED)
      throw new RequestError(`a profile may not be named "${SHARED}" here: that is where the sources are`);
    const constants = Object.entries(constantsOf(profile, "wasm32"));
    files.set(`${profile.name}/constants.ts`, constants.map(([name, value]) => constant(name, value)).join(""));
    for (const [name, collector] of Object.entries(COLLECTORS)) {
      const imports = ["./constants", `../${SHARED}/runtime`, collector].map((file) => `import "${file}";\n`);
      const cleared = constant("HK_CLEARED", name === "incremental" ? 0 : 1);
      files.set(`${profile.name}/${name}.ts`, `${imports.join("")}${cleared}`);
    }
  }
  const names = await readdir(SOURCES, { recursive: true });
  for (const name of names.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts")))
    files.set(path.join(SHARED, name), await readFile(path.join(SOURCES, name), "utf8"));
  return files;
}

function constant(name: string, value: number): string {
  return `// @ts-ignore: decorator\n@global const ${name}: i32 = ${value};\n`;
}
