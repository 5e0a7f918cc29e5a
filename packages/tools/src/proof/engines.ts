/** `prove engines`: that a thread which stays inside WebAssembly can use every block, whatever other threads have grown. */

import * as path from "node:path";
import type { Command } from "commander";
import { TARGET_NAMES, traitsOf, type Target } from "../profile/target.js";
import { EXIT, list, listOf, type Register } from "../cli/command.js";
import { alignColumns } from "../base/columns.js";
import { messageOf } from "../base/errors.js";
import { nodeVersion, type NodeVersion } from "../lab/node-versions.js";
import { checkInputFile } from "../base/output.js";
import { ROOT } from "../base/paths.js";
import { loadProfile } from "../profile/index.js";
import { FLAG_SETS, hasFlags, playInNode, type FlagSet, type FlagSetName } from "./stale-size/engines.js";
import { LINKINGS, programFiles, type Linking, type ProgramFiles } from "./stale-size/modules.js";
import type { Outcome } from "./stale-size/play.js";

interface Options {
  readonly node: readonly string[];
  readonly profile: readonly string[];
  readonly target: readonly Target[];
  readonly linking: readonly Linking[];
  readonly flags: readonly FlagSetName[];
  readonly root?: string;
}

const SHARED_TARGETS = TARGET_NAMES.filter((name) => traitsOf(name).shared && !traitsOf(name).native);

const WAYS = keysOf(LINKINGS);
const FLAGS = keysOf(FLAG_SETS);

export const registerEngines: Register = (program: Command) => {
  const flagSets = Object.entries(FLAG_SETS).map(([name, { what, flags }]) => [name, `${what} (${flags.join(" ")})`]);
  program
    .command("engines")
    .description("a thread that stays inside WebAssembly can use every block, whatever other threads have grown")
    .option("--node <versions>", "versions of Node, from npm", (text: string) => list(text), ["20", "24", "26"])
    .option("--profile <profiles>", "profiles, by name or file", (text: string) => list(text), [
      "default",
      "compact",
      "guard",
    ])
    .option(
      "--target <targets>",
      `of ${SHARED_TARGETS.join(", ")}`,
      listOf(SHARED_TARGETS, SHARED_TARGETS),
      SHARED_TARGETS,
    )
    .option("--linking <ways>", `of ${WAYS.join(", ")}`, listOf(WAYS, WAYS), WAYS)
    .option("--flags <sets>", "sets of flags for V8, see below", listOf(FLAGS, FLAGS), FLAGS)
    .option("--root <directory>", "checkout whose assembly/ is built (default: this one)")
    .addHelpText("after", `\nSets of flags:\n${alignColumns(flagSets)}`)
    .action(async (options: Options) => {
      process.exitCode = (await prove(options)) ? EXIT.ok : EXIT.failed;
    });
};

/** Prints a row for each program in each Node and a column for each set of flags; true when nothing was wrong. */
async function prove(options: Options): Promise<boolean> {
  await checkInputFile(path.join(options.root ?? ROOT, "assembly", "index.ts"));
  const nodes: NodeVersion[] = [];
  for (const wanted of options.node) nodes.push(await nodeVersion(wanted));
  const programs = await programsOf(options);
  const rows: string[][] = [["", ...options.flags, ""]];
  const findings = new Map<string, string[]>();
  for (const node of nodes) {
    for (const files of programs) {
      const cells: string[] = [];
      for (const name of options.flags) {
        const where = `Node ${node.version}, ${files.name}, ${name}`;
        const { cell, wrong } = await cellOf(node, FLAG_SETS[name], files);
        for (const finding of wrong) findings.set(finding, [...(findings.get(finding) ?? []), where]);
        console.error(`${where}: ${cell}`);
        cells.push(cell);
      }
      rows.push([`Node ${node.version}, ${files.name}`, ...cells, ""]);
    }
  }
  console.log(alignColumns(rows));
  for (const [finding, where] of findings) console.log(`\n${finding}\n  in ${where.join("\n     ")}`);
  return findings.size === 0;
}

/** What one program shows in one engine: in short, and a line for each thing that was wrong. */
async function cellOf(
  node: NodeVersion,
  flags: FlagSet,
  files: ProgramFiles,
): Promise<{ readonly cell: string; readonly wrong: readonly string[] }> {
  if (!(await hasFlags(node, flags))) return { cell: "no such flag", wrong: [] };
  let outcomes: readonly Outcome[] | undefined;
  try {
    outcomes = await playInNode(node, flags, files);
  } catch (error) {
    return { cell: "FAILED", wrong: [messageOf(error)] };
  }
  if (outcomes === undefined) return { cell: "no 64 bits", wrong: [] };
  const wrong = outcomes.flatMap(describe);
  const cell = wrong.length === 0 ? `${outcomes.length} right` : `${wrong.length} of ${outcomes.length} WRONG`;
  return { cell, wrong };
}

/** Every profile and target linked; the other ways with the first profile alone, since they differ for the engine only. */
async function programsOf({ profile, target, linking, root = ROOT }: Options): Promise<ProgramFiles[]> {
  const programs: ProgramFiles[] = [];
  for (const [index, name] of profile.entries()) {
    const loaded = await loadProfile(name);
    for (const each of target) {
      for (const way of linking) {
        if (index > 0 && way !== linking[0]) continue;
        console.error(`building ${loaded.name} ${each}, ${way}`);
        programs.push(await programFiles(loaded, each, way, path.resolve(root)));
      }
    }
  }
  return programs;
}

/** What is wrong with an outcome: one line, or none. */
export function describe({ name, wrong, unplayed }: Outcome): string[] {
  if (wrong !== undefined) return [`${name}: ${wrong}`];
  return unplayed === undefined ? [] : [`${name}: the case shows nothing: ${unplayed}`];
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[];
}
