/** What `hakmem build` does. */

import { buildAll, moduleFile } from "../../build/all.js";
import { alignColumns } from "../../base/columns.js";
import { checkOutputDirectory } from "../../base/output.js";
import { loadProfile, loadShippedProfiles } from "../../profile/index.js";
import { WASM_TARGETS, type Target } from "../../profile/target.js";
import type { CommonOptions } from "../command.js";

/** As wide as the size of any module. */
const SIZE_WIDTH = "1000000 bytes".length;

export interface BuildOptions extends CommonOptions {
  readonly profile?: readonly string[];
  readonly target?: readonly Target[];
  readonly out: string;
  readonly names: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

export async function build({ profile, target, out, names, force, json, quiet }: BuildOptions): Promise<void> {
  const profiles = profile === undefined ? await loadShippedProfiles() : await Promise.all(profile.map(loadProfile));
  const targets = target ?? WASM_TARGETS;
  const files = profiles.flatMap(({ name }) => targets.map((each) => moduleFile(name, each)));
  const widths = [Math.max(...files.map((file) => file.length)), SIZE_WIDTH];
  await checkOutputDirectory(out);
  const manifest = await buildAll({
    profiles,
    targets,
    out,
    names,
    force,
    keepOthers: profile !== undefined || target !== undefined,
    onModule: ({ file, bytes }, built) => {
      if (json || quiet) return;
      // A row for each as it is done, in the columns of all.
      console.log(alignColumns([[file, `${bytes} bytes`, built ? "built" : "up to date"]], { indent: "", widths }));
    },
  });
  if (json) console.log(JSON.stringify(manifest, null, 2));
}
