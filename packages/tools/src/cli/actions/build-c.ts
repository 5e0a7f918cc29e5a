/** What `hakmem build-c` does. */

import { copyFile, mkdir } from "node:fs/promises";
import * as path from "node:path";
import { RequestError } from "../../base/errors.js";
import { checkOutputDirectory } from "../../base/output.js";
import { writeWhole } from "../../base/cache.js";
import { ROOT } from "../../base/paths.js";
import { amalgamate, profileMacro, publishedBodies } from "../../build/amalgamation.js";
import { buildArchives } from "../../build/archives.js";
import { loadProfile } from "../../profile/index.js";
import type { CommonOptions } from "../command.js";

export interface BuildCOptions extends CommonOptions {
  readonly profile: readonly string[];
  readonly out: string;
  readonly archives: boolean;
}

export async function buildC({ profile: names, out, archives, quiet }: BuildCOptions): Promise<void> {
  const profiles = await Promise.all(names.map(loadProfile));
  const macros = profiles.map(profileMacro);
  const twice = macros.find((macro, index) => macros.indexOf(macro) !== index);
  if (twice !== undefined) throw new RequestError(`two of the profiles would be chosen by -D${twice}; name each once`);
  await checkOutputDirectory(out);
  if (!quiet) console.error(`compiling the allocator (${names.join(", ")}) to C`);
  const text = await amalgamate(publishedBodies(profiles));
  await mkdir(out, { recursive: true });
  const [source, header] = [path.join(out, "hakmem.c"), path.join(out, "hakmem.h")];
  await writeWhole(source, text);
  await copyFile(path.join(ROOT, "native", "hakmem.h"), header);
  console.log(`${source}\n${header}`);
  if (!archives) return;
  const files = await buildArchives(text, path.join(out, "lib"), (step) => {
    if (!quiet) console.error(step);
  });
  console.log(files.join("\n"));
}
