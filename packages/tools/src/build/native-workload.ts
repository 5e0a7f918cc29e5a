/**
 * The lab's workloads as native programs: bench/workloads through C, with bench/native/workload.c around it. The same source that the
 * wasm lab runs, over whatever malloc the process has.
 */

import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { runTool } from "../base/compilers.js";
import { type Compiler } from "./native-compiler.js";
import { generateModuleSource } from "./native-module.js";
import { NativeSourceError, type Declared } from "./native-source.js";
import { ROOT } from "../base/paths.js";

const FLAGS = ["-std=gnu11", "-O3", "-fno-strict-aliasing", "-fno-builtin-malloc", "-pthread", "-w"];

export interface WorkloadOptions {
  readonly compiler: Compiler;
  /** Directory that receives the program and the C in between. */
  readonly out: string;
  /** Bind the workloads to the lab's null allocator instead of the process's malloc. */
  readonly nullPeer?: boolean;
}

/** Builds the program and returns its path. How to talk to it: see the head of bench/native/workload.c. */
export async function buildWorkload({ compiler, out, nullPeer = false }: WorkloadOptions): Promise<string> {
  const { text, exports } = await generateModuleSource(path.join("bench", "workloads", "threads.ts"));
  await writeFile(
    path.join(out, "workload.gen.h"),
    `${text}\n#define WORKLOADS(one) ${workloadsOf(exports)
      .map((name) => `one(${name})`)
      .join(" ")}\n`,
  );
  if (nullPeer)
    await writeFile(
      path.join(out, "null.gen.h"),
      (await generateModuleSource(path.join("bench", "peers", "null.ts"))).text,
    );
  const program = path.join(out, nullPeer ? "workload-null" : "workload");

  await runTool(compiler.command, [
    ...FLAGS,
    ...(nullPeer ? ["-DNULL_PEER"] : []),
    "-I",
    out,
    "-I",
    path.join(ROOT, "native"),
    path.join(ROOT, "bench", "native", "workload.c"),
    "-o",
    program,
  ]);
  return program;
}

/** Workloads that begin with four numbers; `trace` begins otherwise. */
function workloadsOf(exports: readonly Declared[]): string[] {
  const names = new Set(exports.map((each) => each.name));
  const workloads = exports
    .filter(({ name, parameters }) => name.endsWith("_begin") && parameters.join() === "u32,u32,u32,u32")
    .map(({ name }) => name.slice(0, -"_begin".length))
    .filter((name) => names.has(`${name}_run`));
  if (workloads.length === 0)
    throw new NativeSourceError("bench/workloads exports no workload: no NAME_begin with four numbers and NAME_run");
  return workloads;
}
