/**
 * From AssemblyScript to unoptimised WebAssembly, in this process and without temporary files.
 *
 * Start with {@link compileAssembly}. The compiler's command line knows only 32-bit targets; {@link use64BitPointers} is how
 * the 64-bit ones are reached.
 */

import { readFile, readdir } from "node:fs/promises";
import * as path from "node:path";
import * as asc from "assemblyscript/asc";
import binaryen from "binaryen";
import { traitsOf, type Target, type TargetTraits } from "../profile/target.js";
import { ExplainedError } from "../base/errors.js";

/** The memory that the compiled module imports as `env.memory`, or defines. */
export interface AssemblyMemory {
  /** `import` (the default) takes `env.memory`; `export` defines a memory and exports it as `memory`. */
  readonly from?: "import" | "export";
  /** Smallest acceptable size in 64 KiB pages; 0 unless given. */
  readonly initialPages?: number;
  /** Largest acceptable maximum in 64 KiB pages; a shared memory always has one, the target's by default. */
  readonly maximumPages?: number;
  /** Whether the memory is shared; as the target says unless given. */
  readonly shared?: boolean;
}

export interface AssemblyOptions {
  /** Path of the entry file, absolute or relative to `root`. */
  readonly entry: string;
  readonly target: Target;
  /** Directory that file names in diagnostics and function names in the output are relative to; the working directory by default. */
  readonly root?: string;
  /** Global integer constants: names to integers from 0 to 2^31 - 1. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Sources that replace or add to those on disk: path, absolute or relative to `root`, to text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly memory?: AssemblyMemory;
  /** Keep assertions (`assert`) in the code; they are dropped by default. */
  readonly assertions?: boolean;
}

/** The compiler refused the source: the message holds its diagnostics, one a line, as `file:line:column: error AS100: text`. */
export class AssemblyError extends ExplainedError {
  override readonly name = "AssemblyError";
  constructor(
    readonly entry: string,
    readonly diagnostics: readonly string[],
  ) {
    super(`${entry} does not compile:\n${diagnostics.map((line) => `  ${line}`).join("\n")}`);
  }
}

/**
 * Compiles one entry file and what it imports to a WebAssembly binary with names and without optimisation.
 *
 * Rejects with {@link AssemblyError} when the source has errors, and with `RangeError` when a constant is not an integer from 0 to 2^31 - 1.
 */
export async function compileAssembly(options: AssemblyOptions): Promise<Uint8Array> {
  const module = await compileAssemblyModule(options);
  try {
    binaryen.setDebugInfo(true);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** As {@link compileAssembly}, but the result is a binaryen module, which the caller disposes of. */
export async function compileAssemblyModule(options: AssemblyOptions): Promise<binaryen.Module> {
  const module = binaryen.parseText(await compileAssemblyText(options));
  module.setFeatures(featuresOf(traitsOf(options.target)));
  return module;
}

/** As {@link compileAssembly}, but the result is in WebAssembly text format. */
export async function compileAssemblyText(options: AssemblyOptions): Promise<string> {
  const traits = traitsOf(options.target);
  const root = path.resolve(options.root ?? ".");
  const text = await exclusively(() => runCompiler(options, traits, root));
  return traits.pointerBits === 64 ? declare64BitMemory(text) : text;
}

/** What binaryen must allow in a module for a target. */
export function featuresOf(traits: TargetTraits): number {
  const { Features } = binaryen;
  return (
    Features.MutableGlobals |
    Features.SignExt |
    Features.NontrappingFPToInt |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    (traits.shared ? Features.Atomics : 0) |
    (traits.pointerBits === 64 ? Features.Memory64 : 0)
  );
}

/**
 * Mends what the 64-bit code generator leaves 32 bits wide: the memory's declaration, and `memory.size` and `memory.grow`, which
 * the language types as `i32`.
 */
function declare64BitMemory(text: string): string {
  return text
    .replace(/\(memory (\$\S+) /, "(memory $1 i64 ")
    .replaceAll(/^( *)memory\.size$/gm, "$1memory.size\n$1i32.wrap_i64")
    .replaceAll(/^( *)memory\.grow$/gm, "$1i64.extend_i32_u\n$1memory.grow\n$1i32.wrap_i64");
}

/** The compiler and its binaryen keep global state: one compilation at a time. */
let last: Promise<unknown> = Promise.resolve();

function exclusively<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task, task);
  last = result;
  return result;
}

async function runCompiler(options: AssemblyOptions, traits: TargetTraits, root: string): Promise<string> {
  const files = new Map(Object.entries(options.files ?? {}).map(([name, text]) => [path.resolve(root, name), text]));
  const diagnostics: string[] = [];
  let text: string | undefined;

  const result = await asc.main(commandLine(options, traits, root), {
    stdout: SILENT,
    stderr: SILENT,
    readFile: async (name) => {
      const file = path.resolve(root, name);
      const text = files.get(file) ?? (await readOrNull(file));
      if (text !== null) files.set(file, text);
      return text;
    },
    listFiles: (name) => listOrNull(path.resolve(root, name)),
    writeFile: (_, contents) => {
      text = typeof contents === "string" ? contents : new TextDecoder().decode(contents);
    },
    reportDiagnostic: (diagnostic) => {
      diagnostics.push(describe(diagnostic, (name) => files.get(path.resolve(root, name))));
    },
    transforms: traits.pointerBits === 64 ? [use64BitPointers()] : [],
  });

  if (result.error !== null || text === undefined) {
    throw new AssemblyError(
      options.entry,
      diagnostics.length > 0
        ? diagnostics
        : [result.error?.message ?? "the compiler wrote nothing and did not say why"],
    );
  }
  return text;
}

function commandLine(options: AssemblyOptions, traits: TargetTraits, root: string): string[] {
  const { memory = {}, constants = {} } = options;
  const shared = memory.shared ?? traits.shared;
  const maximumPages = memory.maximumPages ?? (shared ? traits.maximumPages : undefined);
  return [
    path.relative(root, path.resolve(root, options.entry)),
    "--baseDir",
    root,
    "--config",
    path.join(root, "no-such-asconfig.json"),
    "--textFile",
    "module.wat",
    "--runtime",
    "stub",
    // A failed assertion or an impossible case is a trap: nothing is imported to report it.
    "--use",
    "abort=",
    ...(options.assertions === true ? [] : ["--noAssert"]),
    ...(traits.pointerBits === 64 ? ["--noValidate"] : []),
    ...(traits.shared ? ["--enable", "threads"] : []),
    ...(memory.from === "export" ? [] : ["--importMemory", "--noExportMemory"]),
    "--initialMemory",
    String(memory.initialPages ?? 0),
    ...(maximumPages === undefined ? [] : ["--maximumMemory", String(maximumPages)]),
    ...(shared ? ["--sharedMemory"] : []),
    ...Object.entries(constants).flatMap(([name, value]) => ["--use", `${name}=${integer(name, value)}`]),
  ];
}

function integer(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 31) {
    throw new RangeError(`compile-time constant ${name} is ${value}; it must be an integer from 0 to 2^31 - 1`);
  }
  return value;
}

/**
 * A compiler transform that selects the 64-bit code generator.
 *
 * AssemblyScript 0.28 carries one but offers no option for it: the target and the module's size type are set between parsing and
 * the instantiation of the program, before either is read. Its memory is then still declared 32 bits wide, and so cannot be
 * validated or written as a binary: the caller mends the declaration in the text.
 */
function use64BitPointers(): asc.Transform {
  const WASM64 = 2;
  const TYPE_I64 = 3;
  // The compiler constructs the class it is given, after putting its own `program` on the prototype.
  class Use64BitPointers {
    declare readonly program: { options: { target: number }; module: { sizeType: number } };
    afterParse(): void {
      this.program.options.target = WASM64;
      this.program.module.sizeType = TYPE_I64;
    }
  }
  return Use64BitPointers as unknown as asc.Transform;
}

const SILENT: asc.OutputStream = { write: () => {} };

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

async function listOrNull(directory: string): Promise<string[] | null> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts")).sort();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR";
}

/** Its text, and where it is when it is about a source that `textOf` knows. */
function describe(
  { category, code, message, range }: asc.DiagnosticMessage,
  textOf: (name: string) => string | undefined,
): string {
  const KINDS = ["pedantic", "info", "warning", "error"];
  const text = `${KINDS[category] ?? "error"} AS${code}: ${message}`;
  if (range === null) return text;
  const name = range.source.normalizedPath;
  const before = textOf(name)?.slice(0, range.start).split("\n");
  return before === undefined ? `${name}: ${text}` : `${name}:${before.length}:${before.at(-1).length + 1}: ${text}`;
}
