/**
 * From the C that wasm2c writes to the C that the native library includes.
 *
 * wasm2c's output addresses a memory object and keeps the module's globals in an instance. In a process there is neither:
 * addresses are real, and a thread is an instance. So the arguments for both go, the prelude goes (native/wasm.h is ours), and
 * every mutable global becomes a thread-local variable, or a process-wide one where all threads hold the same value.
 */

import { ExplainedError } from "../base/errors.js";

/** The name given to wasm2c; every symbol it writes contains it. */
export const MODULE_NAME = "hakmem";

/**
 * Globals of the allocator that the platform layer defines (native/platform.h), by the last part of their names.
 * `current` starts as the empty heap, so that malloc needs no test.
 */
const PLATFORM_GLOBALS: Readonly<Record<string, string>> = {
  current: "platform_heap",
};

/** Globals of which all threads hold the same value: atomics, since one thread may set them while another looks. */
const PROCESS_GLOBALS: ReadonlySet<string> = new Set(["control", "secret"]);

/**
 * Imported variables of which all threads hold the same value, in the platform layer: relaxed, since they are on fast paths. Whoever
 * needs the new value has found another global set after it.
 */
const PROCESS_IMPORTS: ReadonlySet<string> = new Set(["platform_regions"]);

/** What a rewrite needs to know of a module. */
export interface NativeSourceOptions {
  /** Exports whose first steps are a fast path, to be drawn into their callers. */
  readonly fastExports?: readonly string[];
}

/** Where wasm2c sets the globals' initial values. */
const INITIALIZER = /^static void init_globals\(.*\) \{\n([^]*?)^\}\n/m;

/** A shape that the generated C must have and has not: wasm2c changed, or the allocator uses what the native target lacks. */
export class NativeSourceError extends ExplainedError {
  override readonly name = "NativeSourceError";
}

/**
 * Rewrites wasm2c's C for {@link MODULE_NAME}. The result needs native/wasm.h before it, THREAD_LOCAL, and for every import `b` from
 * module `a` a function or variable `a_b`. An export `c` is the function `w2c_hakmem_c`.
 */
export function nativeSource(generated: string, options: NativeSourceOptions = {}): string {
  const source = readable(foldStart(dropInstance(dropHostSide(dropPrelude(generated)))));
  const { body, globals } = takeGlobals(shapeFastPaths(source, options.fastExports ?? []));
  const leftover = /.*\b(?:instance|wasm_rt_\w+|w2c_env_\w+)\b.*/.exec(body)?.[0];
  if (leftover !== undefined) {
    throw new NativeSourceError(`wasm2c wrote "${leftover.trim()}", which src/build/native-source.ts does not know`);
  }
  return `/* Generated from assembly/ by way of wasm2c; do not edit. */\n\n${globals}\n${body}`;
}

/** Everything up to the first declaration of the module's own functions is the same for every module. */
function dropPrelude(text: string): string {
  const start = text.search(new RegExp(`^static \\w+ w2c_${MODULE_NAME}_`, "m"));
  if (start < 0) throw new NativeSourceError("wasm2c wrote no function; was the module stripped of everything?");
  return text.slice(start);
}

/** Types for indirect calls, instantiation and the memory's limits: what only a host of modules needs. */
function dropHostSide(text: string): string {
  return text
    .replace(/^FUNC_TYPE_T\(.*\n/gm, "")
    .replace(/^const \w+ wasm2c_.*\n/gm, "")
    .replace(/^(?:static )?[\w ]+\b(?:wasm2c_\w+|init_memories|init_instance_import)\([^;]*?\) \{\n[^]*?^\}\n/gm, "")
    .replace(/^#if WASM_RT_USE_SEGUE_FOR_THIS_MODULE.*\n(?:(?!#endif)(?:#if[^]*?^#endif\n|.*\n))*#endif\n/gm, "");
}

/** Removes the instance and memory arguments, and makes exports as private as everything else. */
function dropInstance(text: string): string {
  return text
    .replace(/\(\*instance->w2c_(\w+)\)(?: = (\w+))?/g, (_, name: string, value?: string) => {
      if (!PROCESS_IMPORTS.has(name)) return value === undefined ? name : `${name} = ${value}`;
      return value === undefined
        ? `__atomic_load_n(&${name}, __ATOMIC_RELAXED)`
        : `__atomic_store_n(&${name}, ${value}, __ATOMIC_RELAXED)`;
    })
    .replace(/\bw2c_(?=([a-z]+)_\w+\(instance->w2c_\1_instance\b)/g, "")
    .replace(/\binstance->w2c_(?:[a-z]+_instance|env_memory)(?:, )?/g, "")
    .replace(
      new RegExp(`\\bw2c_${MODULE_NAME}\\* ?(?:instance)?(, )?(\\)?)`, "g"),
      (_, comma?: string, end?: string) => (end ? "void)" : comma === undefined ? "" : ""),
    )
    .replace(/\(instance\)/g, "()")
    .replace(/\(instance, /g, "(")
    .replace(new RegExp(`^(?=\\w+ w2c_${MODULE_NAME}_.*\\{$)`, "gm"), "static ");
}

/**
 * Moves what the module's start functions set into `init_globals`. Nothing runs when a thread starts, so they may set globals to
 * constants and do nothing else.
 */
function foldStart(text: string): string {
  const values = new Map<string, string>();
  const start = new RegExp(
    `^static void w2c_${MODULE_NAME}_(?:start0x3A\\w+|0x7Estart)\\(void\\) \\{\\n([^]*?)^\\}\\n`,
    "gm",
  );
  for (const [, body = ""] of text.matchAll(start)) {
    const constants = new Map<string, string>();
    for (const line of body.split("\n").map((each) => each.trim())) {
      const [, target = "", source = ""] = /^(?:instance->w2c_)?(\w+) = (\w+);$/.exec(line) ?? [];
      const value = constants.get(source) ?? source;
      if (target.startsWith("var_")) constants.set(target, value);
      else if (target !== "" && /^\d/.test(value)) values.set(target, value);
      else if (!/^(?:FUNC_\w+;|u(?:32|64) .*;|w2c_\w+(?:start0x3A\w+)\(\);|)$/.test(line)) {
        throw new NativeSourceError(
          `the module's start does "${line}"; on native it may only give globals constant values`,
        );
      }
    }
  }
  return text
    .replace(start, "")
    .replace(new RegExp(`^static void w2c_${MODULE_NAME}_(?:start0x3A\\w+|0x7Estart)\\(void\\);\\n`, "gm"), "")
    .replace(INITIALIZER, (initializer) =>
      initializer.replace(/^( {2}instance->w2c_(\w+)) = \w+;$/gm, (line, left: string, name: string) => {
        const value = values.get(name);
        return value === undefined ? line : `${left} = ${value};`;
      }),
    );
}

/**
 * Draws the fast exports and what they run into their C names, and keeps what those call out of them: a slow path drawn in would make the
 * fast one save registers.
 */
function shapeFastPaths(text: string, fastExports: readonly string[]): string {
  const bodies = new Map(
    [...text.matchAll(/^(?:static )?\w+ (w2c_\w+)\([^;]*?\) \{\n([^]*?)^\}/gm)].map(([, name = "", body = ""]) => [
      name,
      body,
    ]),
  );
  const calls = (name: string) => {
    const body = bodies.get(name);
    if (body === undefined) throw new NativeSourceError(`wasm2c wrote no function ${name}`);
    return [...body.matchAll(/\b(w2c_\w+)\(/g)].map(([, callee = ""]) => callee);
  };
  const exports = fastExports.map((name) => `w2c_${MODULE_NAME}_${name}`);
  const fast = new Set([...exports, ...exports.flatMap(calls)]);
  const slow = new Set([...fast].flatMap(calls).filter((name) => !fast.has(name)));
  return text.replace(
    /^(?:static )?(\w+) (w2c_\w+)\((.*)\)(;| \{\n[^]*?^\})$/gm,
    (_, type: string, name: string, parameters: string, rest: string) => {
      if (fast.has(name)) return `INLINED ${type} ${name}(${parameters})${callFallbacks(rest, slow)}`;
      if (!slow.has(name)) return `static ${type} ${name}(${parameters})${rest}`;
      return (
        `OUTLINED ${type} ${name}(${parameters})${rest}` +
        (rest === ";" && type === "u64" ? fallback(name, parameters) : "")
      );
    },
  );
}

/** A slow path as the fast one calls it: as its last act, so that the fast one needs no stack, and reporting failure as C does. */
function fallback(name: string, types: string): string {
  const list = types === "void" ? [] : types.split(", ");
  const parameters = list.map((type, index) => `${type} p${index}`).join(", ") || "void";
  const values = list.map((_, index) => `p${index}`).join(", ");
  return `\nOUTLINED u64 fallback_${name}(${parameters}) {\n  u64 result = ${name}(${values});\n  return result ? result : out_of_memory();\n}`;
}

function callFallbacks(body: string, slow: ReadonlySet<string>): string {
  return body.replace(/= (w2c_\w+)\(/g, (call, name: string) => (slow.has(name) ? `= fallback_${name}(` : call));
}

/** Takes the initial values out of `init_globals` and declares each global with its own. */
function takeGlobals(text: string): { body: string; globals: string } {
  const declarations: string[] = [];
  for (const line of (INITIALIZER.exec(text)?.[1] ?? "").split("\n")) {
    if (line.trim() === "") continue;
    const [, name, value] = /^ {2}instance->w2c_(\w+) = (-?\w+);$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new NativeSourceError(`a global starts as "${line.trim()}"; it must start as an integer constant`);
    }
    const type = /ull$/.test(value) ? "u64" : "u32";
    const platform = PLATFORM_GLOBALS[lastPart(name)];
    if (platform !== undefined) declarations.push(`#define global_${name} ${platform}`);
    else if (PROCESS_GLOBALS.has(lastPart(name)))
      declarations.push(`static _Atomic ${type} global_${name} = ${value};`);
    else declarations.push(`THREAD_LOCAL ${type} global_${name} = ${value};`);
  }
  return {
    body: text.replace(INITIALIZER, "").replace(/\binstance->w2c_(\w+)/g, "global_$1"),
    globals: declarations.join("\n") + "\n",
  };
}

/** `assembly0x2Fthread0x2Fcurrent` → `assembly_thread_current`. */
function readable(text: string): string {
  return text.replace(/0x(?:23|2D|2F|3A|5F|7E)/g, "_");
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("_") + 1);
}
