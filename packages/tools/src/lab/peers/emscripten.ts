/**
 * The allocators of Emscripten, built at run time by the `emcc` that is installed.
 *
 * For several threads they are Emscripten's own builds with locks, but not its runtime: all that an instance needs in order to
 * allocate is a stack of its own. The rest of a thread's state stays zero, which is a valid state of a lock's owner.
 */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { DEBIAN_NODE_PATH } from "../../base/compilers.js";
import { ARENA_END, MAXIMUM_PAGES, PAGE_BYTES } from "../arena.js";
import { exists } from "../../base/exists.js";
import type { WasmContext, WasmPeer } from "./peer.js";
import type { LabTarget } from "../target.js";
import { withScratch } from "../../base/scratch.js";

const ENVIRONMENT = { ...process.env, NODE_PATH: DEBIAN_NODE_PATH };

const STACK_BYTES = PAGE_BYTES;
/** Each has a stack, one below the other. */
const MOST_THREADS = 16;

/** Static data, a stack and the first bytes of the heap fit in here; what follows is taken by growing. */
const INITIAL_BYTES = 3 * PAGE_BYTES;
/** The same for several threads. Their stacks are as much a part of the allocator's memory as that of one thread is. */
const SHARED_INITIAL_BYTES = (2 + MOST_THREADS) * PAGE_BYTES;

const SETUP = "install Emscripten, on Debian: apt-get install --no-install-recommends emscripten node-acorn";

let missing: Promise<string | undefined> | undefined;

export const DLMALLOC_PEER = emscripten("dlmalloc", "Emscripten's default, Doug Lea's malloc");
export const EMMALLOC_PEER = emscripten("emmalloc", "Emscripten's small allocator");

function emscripten(name: "dlmalloc" | "emmalloc", description: string): WasmPeer {
  return {
    kind: "wasm",
    name,
    profile: null,
    description,
    keepsContents: true,
    targets: ["wasm32", "wasm32-shared"],
    missing: () => (missing ??= findMissing()),
    measuredAs: name,
    build: (target) => build(name, target),
    minimumBytes: (target) => initialBytesOf(target === "wasm32-shared"),
    initialBytes: (_workload, _threads, shared) => initialBytesOf(shared),
    imports,
    begin,
  };
}

function initialBytesOf(shared: boolean): number {
  return shared ? SHARED_INITIAL_BYTES : INITIAL_BYTES;
}

/** What the build with threads takes from Emscripten's JavaScript and cannot do without. */
function imports(memory: WebAssembly.Memory): Readonly<Record<string, (...args: number[]) => number>> {
  return {
    emscripten_resize_heap(wanted = 0) {
      const pages = Math.ceil(((wanted >>> 0) - memory.buffer.byteLength) / PAGE_BYTES);
      try {
        if (pages > 0) memory.grow(pages);
        return 1;
      } catch {
        return 0;
      }
    },
    emscripten_memcpy_big(to = 0, from = 0, bytes = 0) {
      new Uint8Array(memory.buffer).copyWithin(to >>> 0, from >>> 0, (from >>> 0) + (bytes >>> 0));
      return to;
    },
  };
}

type Exported = (...args: number[]) => number;

function begin({ exports, thread }: WasmContext): number {
  const initialize = (exports["_initialize"] ?? exports["__wasm_call_ctors"]) as Exported;
  if (thread === 0) initialize();
  else {
    const stack = (exports["stackSave"] as Exported)();
    (exports["stackRestore"] as Exported)(stack - thread * STACK_BYTES);
  }
  return 0;
}

async function findMissing(): Promise<string | undefined> {
  try {
    await execa("emcc", ["--version"], { env: ENVIRONMENT });
  } catch {
    return SETUP;
  }
  const isDebian = await exists("/usr/share/emscripten/emcc.py");
  if (isDebian && !(await exists(path.join(DEBIAN_NODE_PATH, "acorn")))) return SETUP;
  return undefined;
}

async function build(allocator: string, target: LabTarget): Promise<Uint8Array> {
  const shared = target === "wasm32-shared";
  return withScratch("emscripten", async (directory) => {
    const source = path.join(directory, "empty.c");
    // Asked for a module only, it would not build one with threads.
    const output = path.join(directory, shared ? "out.js" : "out.wasm");
    await writeFile(source, "#include <stdlib.h>\n");
    const settings = {
      ...(shared ? {} : { STANDALONE_WASM: 1 }),
      IMPORTED_MEMORY: 1,
      ALLOW_MEMORY_GROWTH: 1,
      MALLOC: allocator,
      GLOBAL_BASE: ARENA_END,
      TOTAL_STACK: (shared ? MOST_THREADS : 1) * STACK_BYTES,
      MAXIMUM_MEMORY: MAXIMUM_PAGES * PAGE_BYTES,
      INITIAL_MEMORY: ARENA_END + initialBytesOf(shared),
      EXPORTED_FUNCTIONS: "_malloc,_free,_realloc",
    };
    const options = Object.entries(settings).map(([name, value]) => `-s${name}=${value}`);
    // A higher level would give the module's imports other names. The library is optimised, and the linked module will be.
    const mode = shared ? ["-O1", "-pthread"] : ["-O3"];
    await execa("emcc", [source, ...mode, "--no-entry", ...options, "-o", output], { env: ENVIRONMENT });
    return await readFile(path.join(directory, "out.wasm"));
  });
}
