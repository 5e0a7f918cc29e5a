/** What `hakmem build` does. */

import { buildAll } from "../../build/all.js";
import { checkOutputDirectory } from "../../base/output.js";
import { loadProfile, loadShippedProfiles } from "../../profile/index.js";
import { WASM_TARGETS, type Target } from "../../profile/target.js";
import type { CommonOptions } from "../command.js";

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
  await checkOutputDirectory(out);
  const manifest = await buildAll({
    profiles,
    targets: target ?? WASM_TARGETS,
    out,
    names,
    force,
    keepOthers: profile !== undefined || target !== undefined,
    onModule: ({ file, bytes }, built) => {
      if (json || quiet) return;
      console.log(`${file.padEnd(28)} ${String(bytes).padStart(7)} bytes  ${built ? "built" : "up to date"}`);
    },
  });
  if (json) console.log(JSON.stringify(manifest, null, 2));
}
