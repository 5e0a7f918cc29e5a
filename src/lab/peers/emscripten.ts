/** The allocators of Emscripten, built at run time by the `emcc` that is installed. One thread only. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { ARENA_END, MAXIMUM_PAGES, PAGE_BYTES } from "../arena.js";
import { exists } from "../cache.js";
import type { WasmPeer } from "./peer.js";

const run = promisify(execFile);

/** Debian's Emscripten finds its JavaScript parser here only when it is told to. */
const DEBIAN_NODE_PATH = "/usr/share/nodejs";
const ENVIRONMENT = { ...process.env, NODE_PATH: DEBIAN_NODE_PATH };

/** Static data, the stack (64 KiB) and the first bytes of the heap fit in here; what follows is taken by growing. */
const INITIAL_BYTES = 3 * PAGE_BYTES;

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
    targets: ["wasm32"],
    missing: () => (missing ??= findMissing()),
    measuredAs: name,
    build: () => build(name),
    minimumBytes: INITIAL_BYTES,
    initialBytes: () => INITIAL_BYTES,
    begin({ exports }) {
      (exports["_initialize"] as (() => void) | undefined)?.();
      return 0;
    },
  };
}

async function findMissing(): Promise<string | undefined> {
  try {
    await run("emcc", ["--version"], { env: ENVIRONMENT });
  } catch {
    return SETUP;
  }
  const isDebian = await exists("/usr/share/emscripten/emcc.py");
  if (isDebian && !(await exists(path.join(DEBIAN_NODE_PATH, "acorn")))) return SETUP;
  return undefined;
}

async function build(allocator: string): Promise<Uint8Array> {
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-emscripten-"));
  try {
    const source = path.join(directory, "empty.c");
    const output = path.join(directory, "out.wasm");
    await writeFile(source, "#include <stdlib.h>\n");
    const settings = {
      STANDALONE_WASM: 1,
      IMPORTED_MEMORY: 1,
      ALLOW_MEMORY_GROWTH: 1,
      MALLOC: allocator,
      GLOBAL_BASE: ARENA_END,
      TOTAL_STACK: PAGE_BYTES,
      MAXIMUM_MEMORY: MAXIMUM_PAGES * PAGE_BYTES,
      INITIAL_MEMORY: ARENA_END + INITIAL_BYTES,
      EXPORTED_FUNCTIONS: "_malloc,_free,_realloc",
    };
    const options = Object.entries(settings).map(([name, value]) => `-s${name}=${value}`);
    await run("emcc", [source, "-O3", "--no-entry", ...options, "-o", output], { env: ENVIRONMENT });
    return await readFile(output);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
