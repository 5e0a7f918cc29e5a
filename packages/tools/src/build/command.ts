/** `npm run build` and `hakmem build`: builds the shipped modules, or those that are asked for. */

import { parseArgs } from "node:util";
import { loadProfile, loadShippedProfiles, ProfileError } from "../profile/index.js";
import { AssemblyError } from "./assemblyscript.js";
import { buildAll } from "./all.js";
import { isTarget, WASM_TARGETS, type Target } from "./target.js";

const HELP = `Usage: hakmem build [options]

Builds the allocator as WebAssembly, every profile for every target, with a manifest.json that
describes the modules. What is up to date is not built again.

  --profile NAME|FILE  build this profile only; may be repeated (default: all shipped profiles)
  --target TARGET      build this target only; may be repeated (default: ${WASM_TARGETS.join(", ")})
  --out DIRECTORY      where to write (default: hakmem-wasm)
  --names              keep function names, for profilers
  --force              build also what is up to date
  --json               print the manifest instead of progress
  --help               print this

Exit code: 0 done, 1 the build failed, 2 wrong arguments.
`;

/** Runs the command with its arguments (without the command's own name) and returns the exit code. */
export async function runBuild(args: readonly string[]): Promise<number> {
  let options;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`hakmem build: ${(error as Error).message}\nTry hakmem build --help.`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  try {
    const { profile, target, json } = options;
    const manifest = await buildAll({
      profiles: profile ? await Promise.all(profile.map(loadProfile)) : await loadShippedProfiles(),
      targets: target ?? WASM_TARGETS,
      names: options.names,
      force: options.force,
      keepOthers: profile !== undefined || target !== undefined,
      out: options.out,
      onModule: ({ file, bytes }, built) => {
        if (!json)
          console.log(`${file.padEnd(28)} ${String(bytes).padStart(7)} bytes  ${built ? "built" : "up to date"}`);
      },
    });
    if (json) console.log(JSON.stringify(manifest, null, 2));
    return 0;
  } catch (error) {
    // Mistakes in sources and profiles explain themselves; anything else is a defect, and its stack tells more.
    const explained = error instanceof AssemblyError || error instanceof ProfileError;
    console.error(explained ? `hakmem build: ${error.message}` : error);
    return 1;
  }
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      profile: { type: "string", multiple: true },
      target: { type: "string", multiple: true },
      out: { type: "string", default: "hakmem-wasm" },
      names: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return { ...values, target: values.target?.map(parseTarget) };
}

function parseTarget(name: string): Target {
  if (isTarget(name) && WASM_TARGETS.includes(name)) return name;
  throw new Error(`--target is "${name}"; it must be one of ${WASM_TARGETS.join(", ")}`);
}
