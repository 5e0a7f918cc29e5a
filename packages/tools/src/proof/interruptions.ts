/** `prove interruptions`: every kind of operation, interrupted before every one of its instructions (test/native/programs/interrupted.c). */

import * as path from "node:path";
import { execa } from "execa";
import { buildNative } from "../build/native.js";
import { runTool } from "../base/compilers.js";
import { requireCompiler } from "../build/native-compiler.js";
import { ROOT } from "../base/paths.js";
import { EXIT, listFrom, wholeNumber, type Register, listOf } from "../cli/command.js";
import { RequestError } from "../base/errors.js";
import { preloading } from "../run/allocators.js";
import { loadProfile } from "../profile/index.js";
import { withScratch } from "../base/scratch.js";

/** What interrupts an operation, and what is promised of it. */
export const INTERRUPTION_MODES = [
  { name: "jump", promise: "a signal handler may leave any call for good" },
  { name: "jump-alternate", promise: "also from a stack of its own" },
  { name: "fork", promise: "the child of a fork needs no thread of its parent" },
  { name: "exit", promise: "a signal handler may end the thread in any call" },
  { name: "handler", promise: "a signal handler may allocate in the middle of any call but for a few instructions" },
  { name: "handler-jump", promise: "a call in which a signal handler has allocated may be left for good later" },
  { name: "handler-alternate", promise: "also on a stack of its own" },
] as const;
export type InterruptionMode = (typeof INTERRUPTION_MODES)[number]["name"];

/**
 * Where a block goes between the cache and the caller in place: a signal handler that allocates there breaks the cache. They are the
 * fast paths, also where the compiler has put them into other functions, and the exchange of magazines.
 */
const EXCHANGES =
  /^(malloc|free|hakmem_prewarm|hk_.*_(malloc|mallocCached|free|realloc|move|mallocSlow|mallocOrFail|freeFull|freeSlow))$/;
/** Such instructions of one function, at most. */
const EXCHANGE_INSTRUCTIONS = 8;

/** What the program says on its standard error that is not as promised. `library`: the file that it ran under. */
export async function failuresOf(mode: InterruptionMode, errors: string, library: string): Promise<string[]> {
  // What a child finds that is not true comes before what its parent says of it, which tells where it was interrupted.
  const failures = errors
    .replace(/.*not true.*\n(?=.*failed before.*\(exit code)/g, "")
    .split("\n")
    .filter((line) => /failed|not true/.test(line));
  if (!mode.startsWith("handler")) return failures;
  const functions = await functionsOf(library);
  const places = new Map<string, Set<number>>();
  return failures.filter((line) => {
    const [, file, offset] = /failed before (\S+)\+(0x[0-9a-f]+)/.exec(line) ?? [];
    const names = file === library ? functions(Number(offset)) : [];
    const name = names.find((each) => EXCHANGES.test(each));
    if (name === undefined) return true;
    const known = places.get(name) ?? new Set();
    places.set(name, known.add(Number(offset)));
    return known.size > EXCHANGE_INSTRUCTIONS;
  });
}

/** A function that tells the names of the function that an address of a library lies in. */
async function functionsOf(library: string): Promise<(address: number) => string[]> {
  const { stdout } = await execa("nm", ["--numeric-sort", library]);
  const symbols = [...stdout.matchAll(/^([0-9a-f]+) [tTwWi] (\S+)$/gm)].map(([, address = "", name = ""]) => ({
    address: parseInt(address, 16),
    // What GCC takes out of a function is that function's.
    name: name.replace(/\.(part|cold|constprop|isra|lto_priv)\b.*$/, ""),
  }));
  return (address) => {
    const start = symbols.findLast((symbol) => symbol.address <= address)?.address;
    return symbols.filter((symbol) => symbol.address === start).map(({ name }) => name);
  };
}

interface Options {
  readonly profile: readonly string[];
  readonly mode: readonly InterruptionMode[];
  readonly every: number;
}

const MODES: readonly InterruptionMode[] = INTERRUPTION_MODES.map(({ name }) => name);
const PROFILES: readonly string[] = ["default", "guard"];

export const registerInterruptions: Register = (program) => {
  program
    .command("interruptions")
    .description("interrupts every kind of operation of the native library before its instructions")
    .option("--profile <names>", "profiles, with commas between them", listFrom(PROFILES), PROFILES)
    .option("--mode <names>", `of ${MODES.join(", ")}`, listOf(MODES, MODES), MODES)
    .option("--every <n>", "before every n-th instruction only", wholeNumber(1, 1_000_000), 1)
    .addHelpText(
      "after",
      "\nAll of it takes some minutes with the default profile, and an hour with guard. x86-64 only.",
    )
    .action(prove);
};

async function prove({ profile: names, mode: chosen, every }: Options): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new RequestError(
      `instructions are stepped through on linux x64, and this is ${process.platform} ${process.arch}`,
    );
  }
  const profiles = await Promise.all(names.map(loadProfile));
  await withScratch("interruptions", async (work) => {
    const program = path.join(work, "interrupted");
    const { command } = await requireCompiler("x64");
    const source = path.join(ROOT, "test", "native", "programs", "interrupted.c");
    await runTool(command, ["-O1", "-pthread", "-I", path.join(ROOT, "native"), source, "-o", program]);
    for (const profile of profiles) {
      const { shared } = await buildNative({ profile, onStep: (step) => console.error(step) });
      for (const mode of chosen) {
        const errors = await watch(program, [mode, String(every)], shared);
        const failures = await failuresOf(mode, errors, shared);
        const points = [...errors.matchAll(/: (\d+) interruptions/g)].reduce((sum, [, each]) => sum + Number(each), 0);
        // The program says so itself; whatever else makes it end without an interruption is a failure.
        if (every > 1 && errors.includes("not true: points > 0")) {
          throw new RequestError(
            `nothing was interrupted: no operation has ${every} instructions; choose a smaller --every`,
          );
        }
        console.log(`${profile.name}, ${mode}: ${points} interruptions, ${failures.length} not as promised`);
        for (const failure of failures) console.log(`  ${failure}`);
        if (failures.length > 0 || points === 0) process.exitCode = EXIT.failed;
      }
    }
  });
}

/** Runs the program, shows what it says, and returns that; adds a line when it did not come to its end. */
async function watch(program: string, args: readonly string[], library: string): Promise<string> {
  const child = execa(program, [...args], {
    env: { ...preloading(library), HAKMEM_LIMIT: "1g" },
    stdio: ["ignore", "ignore", "pipe"],
    buffer: false,
    reject: false,
  });
  const lines: string[] = [];
  for await (const line of child.iterable({ from: "stderr" })) {
    console.error(line);
    lines.push(line);
  }
  const { failed, signal, exitCode, originalMessage } = await child;
  if (failed) lines.push(`the program itself failed (${signal ?? exitCode ?? originalMessage})`);
  return lines.join("\n");
}
