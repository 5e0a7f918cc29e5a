// @ts-check
/**
 * A WebAssembly module of your own that allocates from a hakmem heap: JavaScript and the module have one memory and one
 * allocator, and each may free what the other has allocated.
 *
 *   node examples/own-module/main.js [--values 100000]
 *
 * The module is assembly/list.ts, compiled here and now by AssemblyScript. A C program does the same with
 *
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--import-memory,--export-dynamic list.c
 *
 * whose data and stack lie at the beginning of the memory, too, so that `base` must be as large as both.
 */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import asc from "assemblyscript/asc";
import { createHeap } from "hakmem";

const { values } = parseArgs({ options: { values: { type: "string", default: "100000" } } });
const VALUES = Number(values.values);

// The module has static data at the beginning of the memory: the heap begins behind it.
const heap = await createHeap({ base: 65_536 });
const { instance } = await WebAssembly.instantiate(await compile("assembly/list.ts"), { env: heap.exports });
const { push, sum, count, clear } = /** @type {Record<string, (...numbers: number[]) => number>} */ (instance.exports);
if (!push || !sum || !count || !clear) throw new Error("list.ts exports something else");

let list = 0;
for (let n = 1; n <= VALUES; n++) list = push(list, n * n);
console.log(`${VALUES} values, sum ${sum(list)}`);
console.log(`${count(list, 0)} above a million, ${count(list, 1)} above a milliard`);
console.log(`${heap.stats().live} bytes in nodes`);

// JavaScript reads a node, and frees it: addresses are signed in a 32-bit module, and unsigned in the library.
const first = list >>> 0;
console.log(`first ${heap.f64[first / 8 + 1]}`);
list = heap.i32[first / 4] ?? 0;
heap.free(first);

clear(list);
console.log(`${heap.stats().live} bytes still allocated`);
heap.close();

/**
 * @param {string} file
 * @returns {Promise<BufferSource>}
 */
async function compile(file) {
  const source = await readFile(new URL(file, import.meta.url), "utf8");
  const { binary, error, stderr } = await asc.compileString(source, {
    optimizeLevel: 3,
    runtime: "stub",
    importMemory: true,
    noExportMemory: true,
    use: ["abort="],
  });
  if (!binary) throw new Error(`${file} does not compile: ${stderr.toString()}`, { cause: error });
  return new Uint8Array(binary);
}
