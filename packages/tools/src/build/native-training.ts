/**
 * The profile-guided build's training (S17): the library is instrumented, runs representative workloads with fixed seeds, and what
 * it counted guides the final compilation.
 */

import * as path from "node:path";
import { execa } from "execa";
import { runTool } from "../base/compilers.js";
import { COMPILER_FLAGS, LINKER_FLAGS, NativeCompilerError, type Compiler } from "./native-compiler.js";
import { buildWorkload } from "./native-workload.js";

export interface TrainingOptions {
  readonly compiler: Compiler;
  /** The library's C file. */
  readonly source: string;
  /** Directory for what is made on the way; the counts stay there. */
  readonly work: string;
  readonly onStep: (step: string) => void;
}

/** A workload's name and its arguments: threads, a ring that only the null allocator uses, then four numbers; and the steps of a round. Seeds are the workloads' own. */
const WORKLOADS: readonly {
  readonly args: readonly (string | number)[];
  readonly steps: number;
  readonly rounds: number;
}[] = [
  { args: ["random_mixed", 1, 0, 400, 16, 1024, 0], steps: 2_000_000, rounds: 3 },
  { args: ["random_mixed", 1, 0, 8192, 16, 1024, 0], steps: 2_000_000, rounds: 3 },
  { args: ["random_mixed", 1, 0, 200, 257, 512, 0], steps: 2_000_000, rounds: 3 },
  { args: ["random_mixed", 1, 0, 400, 1024, 8192, 0], steps: 1_000_000, rounds: 3 },
  { args: ["larson", 2, 0, 1024, 16, 1024, 0], steps: 500_000, rounds: 3 },
];

/** Trains with an object at `work`/hakmem.o, and returns the flags that make the compiler use what was counted when it compiles that object anew. */
export async function train({ compiler, source, work, onStep }: TrainingOptions): Promise<string[]> {
  onStep("compiling the instrumented library and the workloads");
  const instrumented = path.join(work, "libhakmem-instrumented.so");
  const object = path.join(work, "hakmem.o");
  const counting = ["-fprofile-generate", "-fprofile-update=atomic"];
  await runTool(compiler.command, [...COMPILER_FLAGS, ...counting, "-c", source, "-o", object]);
  await runTool(compiler.command, [...COMPILER_FLAGS, ...counting, ...LINKER_FLAGS, object, "-o", instrumented]);
  const program = await buildWorkload({ compiler, out: work });
  for (const { args, steps, rounds } of WORKLOADS) {
    onStep(`training: ${args.join(" ")}`);
    await run(program, args, `${steps}\n`.repeat(rounds), { LD_PRELOAD: instrumented });
  }
  // The counts lie beside the object, where the compiler looks for them when it makes the object again.
  return ["-fprofile-use", "-fprofile-partial-training"];
}

async function run(
  program: string,
  args: readonly (string | number)[],
  input: string,
  env: Record<string, string>,
): Promise<void> {
  const options = { input, stdout: "ignore", stderr: "inherit", env, reject: false } as const;
  const { failed, signal, exitCode, originalMessage } = await execa(program, args.map(String), options);
  if (!failed) return;
  const how = signal ?? (exitCode === undefined ? originalMessage : `exit code ${exitCode}`);
  throw new NativeCompilerError(`training run ${args.join(" ")} ended with ${how}`);
}
