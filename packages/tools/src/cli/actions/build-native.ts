/** What `hakmem build-native` does. */

import * as path from "node:path";
import { RequestError } from "../../base/errors.js";
import { checkOutputDirectory } from "../../base/output.js";
import { buildNative } from "../../build/native.js";
import { findCompiler } from "../../build/native-compiler.js";
import { ARCHITECTURES, type Architecture } from "../../profile/architecture.js";
import { loadProfile } from "../../profile/index.js";
import type { CommonOptions } from "../command.js";

export interface BuildNativeOptions extends CommonOptions {
  readonly profile: readonly string[];
  readonly arch?: readonly Architecture[];
  readonly pgo: boolean;
  readonly out?: string;
  readonly force: boolean;
}

export async function buildNativeLibraries(options: BuildNativeOptions): Promise<void> {
  const { pgo, out, force, quiet } = options;
  const profiles = await Promise.all(options.profile.map(loadProfile));
  const architectures = options.arch ?? (await installed());
  if (pgo && !architectures.some((architecture) => architecture === process.arch))
    throw new RequestError(
      `--pgo runs what it builds: it is for ${process.arch} here, not for ${architectures.join(", ")}`,
    );
  if (out !== undefined) await checkOutputDirectory(out);
  for (const profile of profiles) {
    for (const architecture of architectures) {
      const { shared, built } = await buildNative({
        profile,
        architecture,
        pgo: pgo && architecture === process.arch,
        force,
        ...(out === undefined ? {} : { out: path.join(out, architecture, profile.name) }),
        onStep: (step) => {
          if (!quiet) console.error(step);
        },
      });
      console.log(quiet ? shared : `${shared}  ${built ? "built" : "up to date"}`);
    }
  }
}

/** This machine's architecture, whether or not it has a compiler (its absence is an error), and those with a cross compiler. */
async function installed(): Promise<Architecture[]> {
  const found: Architecture[] = [];
  for (const name of ARCHITECTURES) if (name === process.arch || (await findCompiler(name))) found.push(name);
  return found;
}
