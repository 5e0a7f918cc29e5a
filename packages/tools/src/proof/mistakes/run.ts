/** Compiles the wrong programs, runs their cases, and tells what became of each. */

import * as path from "node:path";
import { runTool } from "../../base/compilers.js";
import { hostArchitecture, requireCompiler } from "../../build/native-compiler.js";
import { ROOT } from "../../base/paths.js";
import { execute } from "../execute.js";
import type { Column } from "./columns.js";
import type { Case, Family } from "./families.js";

const SOURCES = path.join(ROOT, "test", "native", "mistakes");

/** What is written is what is done: the compiler must not take a mistake out. */
const FLAGS = ["-O0", "-w", "-fno-builtin", "-U_FORTIFY_SOURCE", "-pthread"];
const DEADLINE_SECONDS = 30;
/** The signals of a processor that was asked for the impossible. */
const CRASHES: ReadonlySet<string> = new Set(["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"]);

/** Exit codes of the programs; see mistake.h. */
const CODE = { unharmed: 0, harmed: 3, visible: 4, refused: 5, absent: 77 } as const;

/**
 * - `caught`: the allocator said so, or ended the process; `visible`: the program's own result shows it; `refused`: the call
 *   returned null or did nothing, as it should;
 * - `crashed`: a signal without a word, `hung`: no end;
 * - `harmed`: nobody noticed, and memory of the program or the heap is damaged; `unharmed`: nobody noticed, nor was harm seen;
 * - `absent`: the allocator does not have the function.
 */
export type Fate = "caught" | "visible" | "refused" | "crashed" | "hung" | "harmed" | "unharmed" | "absent";

export interface Outcome {
  readonly fate: Fate;
  /** The allocator's sentence, or what the program said. */
  readonly said: string;
}

/** The executables of the programs, in `directory`. */
export async function compilePrograms(families: readonly Family[], directory: string): Promise<Map<string, string>> {
  const { command } = await requireCompiler(hostArchitecture());
  const programs = new Map<string, string>();
  for (const file of new Set(families.map(({ program }) => program))) {
    const executable = path.join(directory, path.basename(file, path.extname(file)));
    const isC = file.endsWith(".c");
    await runTool(isC ? command : command.replace(/gcc$/, "g++"), [
      ...(isC ? ["-std=gnu11"] : ["-std=c++17", "-fsized-deallocation"]),
      ...FLAGS,
      path.join(SOURCES, file),
      "-o",
      executable,
    ]);
    programs.set(file, executable);
  }
  return programs;
}

/** Runs a case, or its right twin, under an allocator. */
export async function runCase(
  executable: string,
  { how, size, amount }: Case,
  column: Column,
  mode: "wrong" | "right",
): Promise<Outcome> {
  const { status, errors } = await execute(
    executable,
    [mode, how, String(size), String(amount)],
    column.environment,
    DEADLINE_SECONDS,
  );
  const said = (column.message.exec(errors)?.[0] ?? errors).trim();
  return { fate: fateOf(status, column.message.test(errors)), said };
}

function fateOf(status: number | string, told: boolean): Fate {
  if (status === "SIGABRT" || told) return "caught";
  if (status === "SIGKILL") return "hung";
  if (status === "SIGTERM") return "unharmed"; // sent by the program itself
  if (typeof status === "string" && CRASHES.has(status)) return "crashed";
  for (const [fate, code] of Object.entries(CODE)) if (code === status) return fate as keyof typeof CODE;
  throw new Error(`a program ended with ${status}, which means nothing`);
}

/** Whether the right twin of a case ended as right programs do. */
export function isQuiet({ fate }: Outcome): boolean {
  return fate === "unharmed" || fate === "absent";
}

/** Whether that is as much as can be had of an allocator for a mistake of that family. */
export function isFound({ reach }: Pick<Family, "reach">, { fate }: Outcome): boolean {
  return (
    fate === "caught" || (reach === "visible" && fate === "visible") || (reach === "refusal" && fate === "refused")
  );
}

/** What is wrong with what a guard build made of a case; undefined when nothing is. */
export function faultOf(family: Family, of: Case, outcome: Outcome): string | undefined {
  if (family.reach === "none") return undefined;
  if (!isFound(family, outcome)) return `${outcome.fate}${outcome.said === "" ? "" : `: ${outcome.said}`}`;
  const pattern = family.message?.(of);
  if (
    pattern === undefined ||
    new RegExp(`^hakmem: (?:${pattern.replaceAll("@", "0x[0-9a-f]+")})`).test(outcome.said)
  ) {
    return undefined;
  }
  return `found, but said: ${outcome.said}`;
}
