/**
 * hakmem.c compiled to archives, for programs whose build shall compile nothing more. By the oldest compiler that there is: linkers
 * read what compilers before them made, and not all that those after them make.
 */

import { cp, mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { cachedDirectory } from "../base/cache.js";
import { compilerEnvironment, runTool } from "../base/compilers.js";
import { ExplainedError } from "../base/errors.js";
import { fingerprint } from "../base/fingerprint.js";
import { withScratch } from "../base/scratch.js";

interface Archive {
  readonly file: string;
  readonly compiler: "clang" | "emcc";
  readonly flags: readonly string[];
}

const THREADS = ["-matomics", "-mbulk-memory", "-mmutable-globals"];

/** What is built, by the paths that programs link. */
export const ARCHIVES: readonly Archive[] = [
  { file: "wasm32/libhakmem.a", compiler: "clang", flags: ["--target=wasm32"] },
  { file: "wasm32/libhakmem-mt.a", compiler: "clang", flags: ["--target=wasm32", ...THREADS] },
  { file: "wasm32/libhakmem-pic.a", compiler: "clang", flags: ["--target=wasm32", "-fPIC"] },
  { file: "wasm64/libhakmem.a", compiler: "clang", flags: ["--target=wasm64"] },
  { file: "wasm64/libhakmem-mt.a", compiler: "clang", flags: ["--target=wasm64", ...THREADS] },
  { file: "wasm32-wasi/libhakmem.a", compiler: "clang", flags: ["--target=wasm32-wasi"] },
  { file: "wasm32-emscripten/libhakmem.a", compiler: "emcc", flags: [] },
  { file: "wasm32-emscripten/libhakmem-mt.a", compiler: "emcc", flags: ["-pthread"] },
  { file: "wasm32-emscripten/libhakmem-pic.a", compiler: "emcc", flags: ["-fPIC"] },
];

const OLDEST = 14;
const NEWEST = 30;
const CLANGS = [...Array.from({ length: NEWEST - OLDEST }, (_, n) => `clang-${OLDEST + n}`), "clang"];

/**
 * Compiles `text`, a hakmem.c, to every archive of {@link ARCHIVES} below `out`, and returns their paths; what was compiled before is
 * taken from the cache. Rejects with {@link ExplainedError} when a compiler is missing or refuses it.
 */
export async function buildArchives(
  text: string,
  out: string,
  onStep: (step: string) => void = () => {},
): Promise<string[]> {
  const clang = await firstOf(CLANGS, "clang 14 or later");
  const emcc = await firstOf(["emcc"], "Emscripten");
  const archiver = (await execa(clang.command, ["--print-prog-name=llvm-ar"])).stdout;
  const tools = { clang: [clang.command, archiver], emcc: [emcc.command, "emar"] } as const;
  const name = fingerprint(text, JSON.stringify(ARCHIVES), clang.version, emcc.version);
  const built = await cachedDirectory(`archives-${name}`, (directory) => compileInto(directory, text, tools, onStep));
  await cp(built, out, { recursive: true });
  return ARCHIVES.map(({ file }) => path.join(out, file));
}

type Tools = Readonly<Record<Archive["compiler"], readonly [compiler: string, archiver: string]>>;

async function compileInto(out: string, text: string, tools: Tools, onStep: (step: string) => void): Promise<void> {
  await withScratch("archives", async (cwd) => {
    await writeFile(path.join(cwd, "hakmem.c"), text);
    const run = (command: string, args: readonly string[]): Promise<void> =>
      runTool(command, args, { cwd, env: compilerEnvironment() });
    for (const { file, compiler, flags } of ARCHIVES) {
      onStep(`compiling ${file}`);
      const [cc, ar] = tools[compiler];
      await run(cc, [...flags, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-c", "hakmem.c", "-o", "hakmem.o"]);
      const target = path.join(out, file);
      await mkdir(path.dirname(target), { recursive: true });
      await run(ar, ["crsD", target, "hakmem.o"]);
    }
  });
}

async function firstOf(names: readonly string[], what: string): Promise<{ command: string; version: string }> {
  for (const command of names) {
    const { failed, stdout } = await execa(command, ["--version"], { reject: false, env: compilerEnvironment() });
    if (!failed) return { command, version: stdout };
  }
  throw new ExplainedError(`${what} is not installed; the archives are compiled by it`);
}
