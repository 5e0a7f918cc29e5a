/** What `hakmem build-assemblyscript` does. */

import { mkdir } from "node:fs/promises";
import * as path from "node:path";
import { checkOutputDirectory } from "../../base/output.js";
import { writeWhole } from "../../base/cache.js";
import { runtimeFiles } from "../../build/assemblyscript-runtime.js";
import { loadProfile } from "../../profile/index.js";

export interface BuildAssemblyScriptOptions {
  readonly profile: readonly string[];
  readonly out: string;
}

export async function buildAssemblyScript({ profile, out }: BuildAssemblyScriptOptions): Promise<void> {
  const files = await runtimeFiles(await Promise.all(profile.map(loadProfile)));
  await checkOutputDirectory(out);
  for (const [name, text] of files) {
    const file = path.join(out, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeWhole(file, text);
  }
  for (const name of files.keys()) if (/(incremental|minimal)\.ts$/.test(name)) console.log(path.join(out, name));
}
