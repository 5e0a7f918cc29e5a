/**
 * From the C that wasm2c writes to the C that the native library includes.
 *
 * wasm2c's functions take an instance, which holds the module's globals, and address a memory object. In a process there is
 * neither: addresses are real, and a thread is an instance. What a module has is asked of the module itself; its functions' bodies
 * are taken as wasm2c wrote them, and mean what they should by macros that stand before them: calls lose the instance (native/runtime.h
 * drops the memory), and every mutable global is a thread-local variable, or one of the process where all threads hold the same value.
 */

import binaryen from "binaryen";
import { ExplainedError } from "../base/errors.js";

/** The name given to wasm2c; every symbol it writes contains it. */
export const MODULE_NAME = "hakmem";

/** Every name in the result begins so: export `a` is the function `hk_a`, function `assembly/b/c` is `hk_assembly_b_c`. */
const PREFIX = "hk_";

/** Globals of which all threads hold the same value: atomics, since one thread may set them while another looks. */
const PROCESS_GLOBALS: ReadonlySet<string> = new Set(["assembly/control/control", "assembly/control/secret"]);

/** What the C compiler is told beyond what wasm2c says. */
export interface NativeSourceOptions {
  /** Functions, exported or not, that are drawn into their callers: fast paths. */
  readonly inlined?: readonly string[];
  /** Functions that are kept out of their callers, whose registers they would take: what fast paths fall back on. */
  readonly outlined?: readonly string[];
}

/** A shape that the generated C must have and has not: wasm2c changed, or the allocator uses what the native target lacks. */
export class NativeSourceError extends ExplainedError {
  override readonly name = "NativeSourceError";
}

/** A function by the parts of its declaration in C. */
export interface Declared {
  /** As in the module. */
  readonly name: string;
  /** Behind `w2c_MODULE_` in what wasm2c writes. */
  readonly symbol: string;
  readonly result: string;
  readonly parameters: readonly string[];
}

/**
 * What `generated`, wasm2c's C for `module` under the name {@link MODULE_NAME}, is as C for one program. The result needs
 * native/runtime.h before it, THREAD_LOCAL, and for every imported function `b` of module `a` a function `a_b`.
 */
export function nativeSource(module: binaryen.Module, generated: string, options: NativeSourceOptions = {}): string {
  if ((module as WithSegments).getNumDataSegments() > 0 || module.getNumTables() > 0)
    throw new NativeSourceError("the module has static data or a table, for which there is no place in a process");
  const functions = [...definedFunctions(module), ...exportedFunctions(module)];
  refuseTwins(functions);
  const imports = importedFunctions(module);
  const globals = definedGlobals(module);
  const macros = [
    ...functions.map((each) => callMacro(`w2c_${MODULE_NAME}_${each.symbol}`, cName(each.name), each)),
    ...imports.map((each) => callMacro(`w2c_${each.symbol}`, each.symbol, each)),
    ...globals.map(({ name }) => [`global_${mangled(name)}`, cName(name)] as const),
  ];
  const chapters = [
    "/* Generated from assembly/ by way of wasm2c; do not edit. */",
    macros.map(([pattern, text]) => `#define ${pattern} ${text}`).join("\n"),
    globals.map((each) => each.declaration).join("\n"),
    functions.map((each) => `${linkage(each, options)} ${signature(each)};`).join("\n"),
    ...bodiesOf(functions, generated),
    macros.map(([pattern]) => `#undef ${pattern.replace(/\(.*/, "")}`).join("\n"),
  ];
  return chapters.join("\n\n") + "\n";
}

/** `assembly/thread/current` → `hk_assembly_thread_current`. */
function cName(name: string): string {
  return PREFIX + name.replace(/\W/g, "_");
}

/** Two functions of one name in C would be taken for one. */
function refuseTwins(functions: readonly Declared[]): void {
  const names = new Map<string, string>();
  for (const { name } of functions) {
    const other = names.get(cName(name));
    if (other !== undefined) throw new NativeSourceError(`"${other}" and "${name}" are both ${cName(name)} in C`);
    names.set(cName(name), name);
  }
}

/** A name as wasm2c writes it: other characters than those of C names by their codes. */
function mangled(name: string): string {
  return name.replace(/\W/g, (character) => `0x${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function cType(type: binaryen.Type, of: string): string {
  if (type === binaryen.none) return "void";
  if (type === binaryen.i32) return "u32";
  if (type === binaryen.i64) return "u64";
  throw new NativeSourceError(`${of} has a value that is neither an i32 nor an i64`);
}

/** What runs when the module starts only gives globals their values; see {@link initialValues}. */
function isStart(name: string): boolean {
  return name === "~start" || name.startsWith("start:");
}

/** All of what binaryen tells one by one. */
function all<T>(count: number, at: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => at(index));
}

function functionInfos(module: binaryen.Module): binaryen.FunctionInfo[] {
  return all(module.getNumFunctions(), (index) => binaryen.getFunctionInfo(module.getFunctionByIndex(index)));
}

function declared({ name, params, results }: binaryen.FunctionInfo, symbol: string): Declared {
  return {
    name,
    symbol,
    result: cType(results, name),
    parameters: binaryen.expandType(params).map((type) => cType(type, name)),
  };
}

function definedFunctions(module: binaryen.Module): Declared[] {
  return functionInfos(module)
    .filter((info) => info.module === "" && !isStart(info.name))
    .map((info) => declared(info, mangled(info.name)));
}

function importedFunctions(module: binaryen.Module): Declared[] {
  return functionInfos(module)
    .filter((info) => info.module !== "")
    .map((info) => declared(info, `${info.module}_${info.base}`));
}

/** The exported functions of a module. */
export function exportedFunctions(module: binaryen.Module): Declared[] {
  return all(module.getNumExports(), (index) => binaryen.getExportInfo(module.getExportByIndex(index)))
    .filter(({ kind }) => kind === binaryen.ExternalFunction)
    .map(({ name, value }) => ({
      ...declared(binaryen.getFunctionInfo(module.getFunction(value)), mangled(name)),
      name,
    }));
}

function definedGlobals(module: binaryen.Module): { name: string; declaration: string }[] {
  const values = initialValues(module);
  return all(module.getNumGlobals(), (index) => binaryen.getGlobalInfo(module.getGlobalByIndex(index)))
    .filter((info) => info.module === "")
    .map(({ name, type, init }) => {
      const storage = PROCESS_GLOBALS.has(name) ? "static _Atomic" : "THREAD_LOCAL";
      const value = values.get(name) ?? constant(init, name);
      return { name, declaration: `${storage} ${cType(type, name)} ${cName(name)} = ${value};` };
    });
}

function constant(expression: binaryen.ExpressionRef, of: string): string {
  const info = binaryen.getExpressionInfo(expression);
  const value: unknown = info.id === binaryen.ConstId ? (info as binaryen.ConstInfo).value : undefined;
  if (typeof value !== "number" && typeof value !== "bigint")
    throw new NativeSourceError(`${of} starts as what is no integer constant; nothing can run when a thread starts`);
  return `${BigInt.asUintN(info.type === binaryen.i64 ? 64 : 32, BigInt(value))}u`;
}

/** As binaryen is; its types still have the name of before. */
type WithSegments = binaryen.Module & { getNumDataSegments(): number };

/** Of which binaryen tells nothing more. */
const NOP: number = binaryen.NopId;

/** What the module's start gives globals. Nothing runs when a thread starts, so it may set them to constants and do nothing else. */
function initialValues(module: binaryen.Module): Map<string, string> {
  const values = new Map<string, string>();
  const run = (expression: binaryen.ExpressionRef): void => {
    if (binaryen.getExpressionId(expression) === NOP) return;
    const info = binaryen.getExpressionInfo(expression);
    if (info.id === binaryen.BlockId) (info as binaryen.BlockInfo).children.forEach(run);
    else if (info.id === binaryen.GlobalSetId) {
      const { name, value } = info as binaryen.GlobalSetInfo;
      values.set(name, constant(value, name));
    } else if (info.id === binaryen.CallId && isStart((info as binaryen.CallInfo).target))
      runFunction(module.getFunction((info as binaryen.CallInfo).target));
    else throw new NativeSourceError("the module's start does more than to give globals constant values");
  };
  const runFunction = (of: binaryen.FunctionRef): void => {
    run(binaryen.getFunctionInfo(of).body);
  };
  const start = module.getStart();
  if (start !== 0) runFunction(start);
  return values;
}

/** A macro that takes wasm2c's calls, declarations and definitions of a function: without the instance. */
function callMacro(macro: string, to: string, { parameters }: Declared): readonly [pattern: string, text: string] {
  const names = parameters.map((_, index) => `p${index}`);
  return [`${macro}(${["instance", ...names].join(", ")})`, `${to}(${names.join(", ")})`];
}

function signature({ name, result, parameters }: Declared): string {
  return `${result} ${cName(name)}(${parameters.join(", ") || "void"})`;
}

function linkage({ name }: Declared, { inlined = [], outlined = [] }: NativeSourceOptions): string {
  if (inlined.includes(name)) return "INLINED";
  return outlined.includes(name) ? "OUTLINED" : "static";
}

/** The text of every function, in wasm2c's order. All else that it wrote is for hosts of modules. */
function bodiesOf(functions: readonly Declared[], generated: string): string[] {
  const missing = new Set(functions.map(headOf));
  const bodies: string[] = [];
  let body: string[] | undefined;
  for (const line of generated.split("\n")) {
    if (missing.delete(line)) {
      if (body !== undefined) throw new NativeSourceError(`wasm2c began "${line}" within "${body[0] ?? ""}"`);
      body = [line];
      continue;
    }
    body?.push(withPointers(withoutInstance(line)));
    if (line !== "}" || body === undefined) continue;
    bodies.push(body.join("\n"));
    body = undefined;
  }
  if (body !== undefined) throw new NativeSourceError(`wasm2c's output ends within "${body[0] ?? ""}"`);
  const [first] = missing;
  if (first === undefined) return bodies;
  throw new NativeSourceError(
    `wasm2c wrote no "${first}": it is of another version than packages/tools/src/build/native-source.ts is for`,
  );
}

/** A line of a function's body: an instance is left where it is passed on alone, for the macros to drop. */
function withoutInstance(line: string): string {
  const text = line.replaceAll("instance->w2c_", "global_");
  if (!/(?<!\()\binstance\b|\binstance\b(?![,)])/.test(text)) return text;
  throw new NativeSourceError(`wasm2c wrote "${line.trim()}", where the instance is used in a way that is not known`);
}

/**
 * A line in which the address of a memory operand is a pointer, where words are 32 bits: there wasm2c widens the address, so that a
 * constant that is added to it cannot wrap (`place` in native/runtime.h). Where words are 64 bits there is nothing to widen.
 */
function withPointers(line: string): string {
  return line.replace(/_shared_default32\(global_env_memory, \(u64\)\(/g, "_shared(global_env_memory, (u8 *)(");
}

/** The line that begins a function in wasm2c's output. */
function headOf({ symbol, result, parameters }: Declared): string {
  const list = [`w2c_${MODULE_NAME}* instance`, ...parameters.map((type, index) => `${type} var_p${index}`)];
  return `${result} w2c_${MODULE_NAME}_${symbol}(${list.join(", ")}) {`;
}
