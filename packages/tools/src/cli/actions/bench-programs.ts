/** What `hakmem bench --programs` does. */

import { checkOutputFile, writeOutput } from "../../base/output.js";
import { abortOnInterrupt } from "../../base/scratch.js";
import { buildNative } from "../../build/native.js";
import { RequestError, unknownName } from "../../base/errors.js";
import { withProgress } from "../../lab/progress.js";
import { NATIVE, programOf, TARGETS, WASM, WHOLE_PROGRAMS } from "../../lab/programs/index.js";
import { formatProgramResults, programResultsOf, standingOf } from "../../lab/programs/standing.js";
import { measureCases, type Case } from "../../lab/programs/suite.js";
import { OURS, preloadedToolchain, TOOLCHAINS, type Preload, type Toolchain } from "../../lab/programs/toolchains.js";
import { requireMeasuring } from "../../lab/programs/visit.js";
import { loadProfile } from "../../profile/index.js";
import { findPeer, NATIVE_PEERS, NativePeerError } from "../../run/allocators.js";
import { EXIT } from "../command.js";
import type { BenchOptions } from "./bench.js";

const PROGRAM_ROUNDS = 7;
const QUICK_PROGRAM_ROUNDS = 3;

/** Options that say something of programs; the others are for workloads. */
const FIT: readonly string[] = ["programs", "peer", "target", "rounds", "quick", "quiet", "json"];

/** `given`: the options that were written on the command line. */
export async function benchPrograms(options: BenchOptions, given: readonly string[]): Promise<void> {
  const unfit = given.find((name) => !FIT.includes(name));
  if (unfit !== undefined) throw new RequestError(`--${unfit} is for workloads; with --programs it means nothing`);
  if (typeof options.json === "string") await checkOutputFile(options.json);
  const rounds = options.rounds ?? (options.quick ? QUICK_PROGRAM_ROUNDS : PROGRAM_ROUNDS);
  const cases = await casesOf(options);
  await requireMeasuring(
    cases.some(({ toolchain }) => toolchain.isNative),
    !options.quick,
  );
  const signal = abortOnInterrupt();
  const { finished, failures } = await withProgress(options, (show) =>
    measureCases(cases, {
      rounds,
      counted: options.quick ? "nothing" : "caches",
      nameOf: (each) => `${each.program.name}, ${targetOf(each)}`,
      signal,
      onStep: (doing, done, total) => {
        show({ doing, done, total });
      },
    }),
  );
  const measured = finished.map(({ series, ...each }) => {
    const { name, title, threads } = each.program;
    return standingOf({ program: name, title, target: targetOf(each), threads }, series);
  });
  const results = programResultsOf(measured, { failures, rounds, incomplete: signal.aborted });
  const text = JSON.stringify(results, null, 2);
  console.log(options.json === true ? text : formatProgramResults(results));
  if (typeof options.json === "string") await writeOutput(options.json, `${text}\n`);
  const code = Object.keys(failures).length > 0 ? EXIT.failed : EXIT.ok;
  process.exitCode = signal.aborted ? EXIT.interrupted : code;
}

async function casesOf({ programs, peer, target = [NATIVE] }: BenchOptions): Promise<Case[]> {
  const chosen = Array.isArray(programs) ? programs.map(programOf) : WHOLE_PROGRAMS;
  const toolchains: Toolchain[] = [];
  for (const name of target) {
    if (name === NATIVE) toolchains.push(preloadedToolchain(await preloadsOf(peer)));
    else toolchains.push(limited(toolchainOf(name), peer));
  }
  const cases = toolchains.flatMap((toolchain) =>
    chosen
      .filter(({ toolchains: names }) => names.some((name) => name === toolchain.name))
      .map((program) => ({ program, toolchain })),
  );
  const idle = Array.isArray(programs)
    ? chosen.find((each) => !cases.some(({ program }) => program === each))
    : undefined;
  if (cases.length === 0 || idle !== undefined)
    throw new RequestError(
      `${idle?.name ?? "no program"} does not run on ${target.join(", ")}; see hakmem bench --list`,
    );
  return cases;
}

function targetOf({ toolchain }: Case): string {
  return toolchain.isNative ? NATIVE : toolchain.name;
}

function toolchainOf(name: string): Toolchain {
  const found = WASM.find((each) => each === name);
  if (found === undefined) throw unknownName("target for programs", name, TARGETS);
  return TOOLCHAINS[found];
}

/** A toolchain's own allocators, of which only some are asked for. */
function limited(toolchain: Toolchain, peers: readonly string[] | undefined): Toolchain {
  if (peers === undefined) return toolchain;
  const unknown = peers.find((name) => !toolchain.allocators.includes(name));
  if (unknown !== undefined) throw unknownName(`peer for ${toolchain.name}`, unknown, toolchain.allocators);
  return { ...toolchain, allocators: [OURS, ...peers.filter((name) => name !== OURS)] };
}

/** hakmem and its peers, or those that are asked for. What is not installed is left out, and said, unless it was asked for. */
async function preloadsOf(peers: readonly string[] | undefined): Promise<Preload[]> {
  const names = [OURS, ...NATIVE_PEERS.map(({ name }) => name)];
  for (const name of peers ?? []) if (!names.includes(name)) throw unknownName("peer", name, names);
  const preloads: Preload[] = [
    { name: OURS, library: (await buildNative({ profile: await loadProfile("default") })).shared },
  ];
  for (const native of NATIVE_PEERS.filter(({ name }) => peers === undefined || peers.includes(name))) {
    try {
      preloads.push({ name: native.name, library: await findPeer(native) });
    } catch (error) {
      if (!(error instanceof NativePeerError)) throw error;
      if (peers !== undefined) throw new RequestError(error.message);
      console.error(`${native.name} is left out: ${error.message}`);
    }
  }
  return preloads;
}
