/** Stacks as engines write them: V8's lines, and those of Firefox and Safari. */

/** A call on a stack. */
export interface Frame {
  readonly name: string;
  /** Address of the script or the WebAssembly module; empty when it is not known. */
  readonly file: string;
  /** From 1; 0 when it is not known. */
  readonly line: number;
  /** From 1; of WebAssembly the place in the module, in bytes; 0 when it is not known. */
  readonly column: number;
}

/** `at name (place)`, or `at place`. */
const V8 = /^ *at (?:async )?(?:(.+?) \((.*)\)|(.+))$/;
const OTHERS = /^(.*?)@(.*)$/;
const WASM = /^(.*):wasm-function\[(\d+)\](?::0x([0-9a-f]+))?$/;
/** What stands on top of every stack: of Profiler, and of heap/observed.ts, the last of which is a function that has the name of a call. */
const OBSERVES = /(?:^|[.#/])(?:#stack|#sample|#remember|allocated|freed|resized|seen|ended)$/;
const OBSERVED = /(?:^|[.#/])observed[A-Z]\w*$/;
/** What comes next in programs that are linked with the library. */
const LINKED = /(?:^|[.#/])(?:hakmem_seen|seen_(?:new|malloc|end|free|realloc))$/;
/** And where the library's own methods allocate: of the same script as what observes. */
const METHOD = /^(?:Heap|Heap32|Heap64|HeapScope|Object)\.#?\w+$/;
const SCRIPT = /^(.*?)(?::(\d+))?(?::(\d+))?$/;

/** The innermost call first, without those of the library's own. */
export function parseStack(text: string): Frame[] {
  const frames = text.split("\n").flatMap((line) => {
    const v8 = V8.exec(line);
    if (v8 !== null) return [frameOf(v8[1] ?? "", v8[2] ?? v8[3] ?? "")];
    const other = OTHERS.exec(line);
    return other === null ? [] : [frameOf(other[1] ?? "", other[2] ?? "")];
  });
  const last = frames.findIndex(({ name }) => !OBSERVES.test(name));
  const call = frames[last];
  // Bundlers may have taken the names away.
  if (call === undefined || !OBSERVED.test(call.name)) return frames.slice(Math.max(0, last));
  const first = frames.findIndex(
    ({ name, file }, index) => index > last && !LINKED.test(name) && !(METHOD.test(name) && file === call.file),
  );
  return first < 0 ? [] : frames.slice(first);
}

function frameOf(name: string, place: string): Frame {
  const wasm = WASM.exec(place);
  if (wasm !== null) {
    const [, file = "", index = "", at = "0"] = wasm;
    const known = name === "" || /^wasm-function\[\d+\]$/.test(name) ? `wasm-function[${index}]` : name;
    return { name: known, file, line: 1, column: Number.parseInt(at, 16) };
  }
  const [, file = "", line = "0", column = "0"] = SCRIPT.exec(place) ?? [];
  return { name: name === "" ? "(anonymous)" : name, file, line: Number(line), column: Number(column) };
}
