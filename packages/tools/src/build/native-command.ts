/** `npm run build:native`: builds libhakmem.so, libhakmem.a and hakmem.h. */

import { parseArgs } from "node:util";
import { loadProfile, ProfileError } from "../profile/index.js";
import { AssemblyError } from "./assemblyscript.js";
import { ARCHITECTURES, findCompiler, NativeCompilerError, type Architecture } from "./native-compiler.js";
import { buildNative } from "./native.js";

const HELP = `Usage: npm run build:native -- [options]

Builds the native library into dist/native/<arch>/ (profile default) and dist/native/<arch>/<profile>/.
What is up to date is not built again.

  --profile NAME|FILE  build this profile; may be repeated (default: default)
  --arch ARCH          build for ${ARCHITECTURES.join(" or ")}; may be repeated (default: every one with a compiler here)
  --pgo                instrument, run the training workloads, build by what they did (this machine's architecture)
  --force              build also what is up to date
  --help               print this

Exit code: 0 done, 1 the build failed, 2 wrong arguments.
`;

/** Runs the command with its arguments and returns the exit code. */
export async function runBuildNative(args: readonly string[]): Promise<number> {
  let options;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`build:native: ${(error as Error).message}\nTry npm run build:native -- --help.`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    const architectures = options.arch ?? (await installed());
    for (const profile of await Promise.all(options.profile.map(loadProfile))) {
      for (const architecture of architectures) {
        const pgo = options.pgo && architecture === process.arch;
        const library = await buildNative({
          profile,
          architecture,
          pgo,
          force: options.force,
          onStep: (step) => console.error(step),
        });
        console.log(`${library.shared}  ${library.built ? "built" : "up to date"}`);
      }
    }
    return 0;
  } catch (error) {
    const explained =
      error instanceof NativeCompilerError || error instanceof AssemblyError || error instanceof ProfileError;
    console.error(explained ? `build:native: ${error.message}` : error);
    return 1;
  }
}

/** This machine's architecture, whether or not it has a compiler (its absence is an error), and those with a cross compiler. */
async function installed(): Promise<Architecture[]> {
  const found: Architecture[] = [];
  for (const name of ARCHITECTURES) if (name === process.arch || (await findCompiler(name))) found.push(name);
  return found;
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      profile: { type: "string", multiple: true, default: ["default"] },
      arch: { type: "string", multiple: true },
      pgo: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return { ...values, arch: values.arch?.map(parseArchitecture) };
}

function parseArchitecture(name: string): Architecture {
  const known = ARCHITECTURES.find((architecture) => architecture === name);
  if (known !== undefined) return known;
  throw new Error(`--arch is "${name}"; it must be one of ${ARCHITECTURES.join(", ")}`);
}
