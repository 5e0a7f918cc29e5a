/** The engines that the cases are played in: versions of Node, and the flags of V8 that matter to how it knows a memory's size. */

import * as path from "node:path";
import { execa } from "execa";
import { COMPILED } from "../../base/paths.js";
import type { NodeVersion } from "../../lab/node-versions.js";
import type { ProgramFiles } from "./modules.js";
import type { NodeTask } from "./node.js";
import type { Outcome } from "./play.js";

const SCRIPT = path.join(COMPILED, "proof", "stale-size", "node.js");

/** Flags of V8 under a name; `warm` has the program run often first, so that the engine compiles it as it pleases. */
export interface FlagSet {
  readonly what: string;
  readonly flags: readonly string[];
  readonly warm: boolean;
}

/** Compiled whole by the optimising compiler, whose functions keep the size that they have read. */
const OPTIMISED = "--no-liftoff";
const BASELINE = "--liftoff-only";
const BOUNDS = "--wasm-enforce-bounds-checks";
/** Without stack checks a thread is never told that a memory has grown, as if it were always told too late. */
const UNTOLD = "--no-wasm-stack-checks";

export const FLAG_SETS = {
  none: { what: "as it is, warmed up", flags: ["--wasm-tiering-budget=1000"], warm: true },
  baseline: { what: "Liftoff alone", flags: [BASELINE], warm: false },
  optimised: { what: "TurboFan alone", flags: [OPTIMISED], warm: false },
  bounds: { what: "bounds checks, warmed up", flags: ["--wasm-tiering-budget=1000", BOUNDS], warm: true },
  "optimised-bounds": { what: "TurboFan alone, bounds checks", flags: [OPTIMISED, BOUNDS], warm: false },
  inlining: {
    what: "all that can be is inlined, warmed up",
    flags: ["--wasm-tiering-budget=1000", "--wasm-inlining", "--wasm-inlining-ignore-call-counts"],
    warm: true,
  },
  untold: { what: "TurboFan alone, never told of growth", flags: [OPTIMISED, UNTOLD], warm: false },
  "untold-baseline": { what: "Liftoff alone, never told of growth", flags: [BASELINE, UNTOLD], warm: false },
  "untold-bounds": {
    what: "TurboFan alone, never told of growth, bounds checks",
    flags: [OPTIMISED, UNTOLD, BOUNDS],
    warm: false,
  },
  "untold-inlining": {
    what: "all that can be is inlined, never told of growth, warmed up",
    flags: ["--wasm-tiering-budget=1000", "--wasm-inlining", "--wasm-inlining-ignore-call-counts", UNTOLD],
    warm: true,
  },
} as const satisfies Record<string, FlagSet>;
export type FlagSetName = keyof typeof FLAG_SETS;

const WIDE_FLAG = "--experimental-wasm-memory64";

/** Of `flags`, those that this Node's V8 has. */
async function known(node: NodeVersion, flags: readonly string[]): Promise<string[]> {
  const { stdout } = await execa(node.execPath, ["--v8-options"]);
  const names = new Set([...stdout.matchAll(/^ {2}--(\S+) \(/gm)].map((match) => match[1]!));
  return flags.filter((flag) => names.has(flag.replace(/^--(no-)?/, "").replace(/=.*/, "")));
}

/** Whether this Node's V8 has all flags of a set; one that it does not have would be no test of it. */
export async function hasFlags(node: NodeVersion, { flags }: FlagSet): Promise<boolean> {
  return (await known(node, flags)).length === flags.length;
}

/** Plays all cases in a Node; undefined when it cannot run 64-bit memories. */
export async function playInNode(
  node: NodeVersion,
  { flags, warm }: FlagSet,
  files: ProgramFiles,
): Promise<readonly Outcome[] | undefined> {
  const task: NodeTask = { ...files, warm };
  const needed = files.wide ? await known(node, [WIDE_FLAG]) : [];
  const options = { timeout: 240_000, killSignal: "SIGKILL" } as const;
  const { stdout } = await execa(node.execPath, [...flags, ...needed, SCRIPT, JSON.stringify(task)], options);
  return (JSON.parse(stdout) as Outcome[] | null) ?? undefined;
}
