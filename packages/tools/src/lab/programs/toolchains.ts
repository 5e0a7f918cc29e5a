/** The toolchains that whole programs are built by, with hakmem.c and with the allocators that they have of their own. */

import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { amalgamate, publishedBodies } from "../../build/amalgamation.js";
import { buildNative } from "../../build/native.js";
import { loadProfile } from "../../profile/index.js";
import { preloading } from "../../run/allocators.js";
import { compilerEnvironment, runTool } from "../../base/compilers.js";

/** The allocator that is this project's, linked into the program. */
export const OURS = "hakmem";
/** The same as a library that is preloaded. */
export const PRELOADED = "hakmem, preloaded";

/** A program as it is started. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Toolchain {
  readonly name: string;
  readonly title: string;
  /** What programs are linked with in turn, or started with; hakmem first, then what the toolchain links when nothing is said. */
  readonly allocators: readonly string[];
  /** Whether hakmem.c is linked into the programs that run under {@link OURS}. */
  readonly linksOurs: boolean;
  readonly cc: string;
  readonly cxx: string;
  /** For compiling and for linking. */
  readonly flags: readonly string[];
  /** Whether its programs are this machine's. */
  readonly isNative: boolean;
  /** Whether its programs start workers even when they have one thread. */
  readonly usesWorkers?: boolean;
  /** What links `objects` with an allocator into `output`, beside the objects and {@link flags}. */
  readonly linking: (allocator: string) => readonly string[];
  /** What to start of `output`. */
  readonly command: (output: string, allocator: string, directory: string) => Command | Promise<Command>;
}

/** Optimised as programs are that are shipped. */
const OPTIMISED = "-O2";
const STACK_BYTES = 2 ** 20;

/** A program in WebAssembly writes here, as JSON, how long it took without the start of the engine, and how large its memory is at the end. */
export const MEASURED = "measured.json";

const EMSCRIPTEN_FRAME = `
if (typeof importScripts !== "function") {
  var begin;
  Module["preRun"] = [function () { begin = performance.now(); }];
  Module["onExit"] = function () {
    var ms = performance.now() - begin;
    require("fs").writeFileSync("${MEASURED}", JSON.stringify({ ms: ms, bytes: wasmMemory.buffer.byteLength }));
  };
}
`;

const WASI_FRAME = `
import { WASI } from "node:wasi";
import { readFileSync, writeFileSync } from "node:fs";
const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [file, ...args], preopens: { "/": "/" }, returnOnExit: true });
const { instance } = await WebAssembly.instantiate(readFileSync(file), wasi.getImportObject());
const begin = performance.now();
process.exitCode = wasi.start(instance);
const ms = performance.now() - begin;
writeFileSync("${MEASURED}", JSON.stringify({ ms, bytes: instance.exports.memory.buffer.byteLength }));
`;

/** Runs `run(count)` of a library in Rust and prints what it returns. */
const RUST_FRAME = `
import { readFileSync, writeFileSync } from "node:fs";
const [file, count] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(file));
const begin = performance.now();
const result = instance.exports.run(Number(count));
const ms = performance.now() - begin;
console.log(result >>> 0);
writeFileSync("${MEASURED}", JSON.stringify({ ms, bytes: instance.exports.memory.buffer.byteLength }));
`;

/** This Emscripten's programs take a global `fetch` for a browser's. */
const EMSCRIPTEN_NODE = ["--no-experimental-fetch"];
/**
 * Node 20's fast calls into WASI make handles that belong to nobody, so that after a memory has grown a variable of the caller may be
 * its buffer.
 */
const WASI_NODE = ["--no-warnings", "--no-turbo-fast-api-calls"];

function emscripten(name: string, title: string, threaded: boolean): Toolchain {
  const threads = threaded ? ["-sPROXY_TO_PTHREAD", "-sPTHREAD_POOL_SIZE=4"] : [];
  return {
    name,
    title,
    allocators: [OURS, "dlmalloc", "emmalloc"],
    linksOurs: true,
    cc: "emcc",
    cxx: "em++",
    isNative: false,
    usesWorkers: threaded,
    flags: [OPTIMISED, ...(threaded ? ["-pthread"] : [])],
    linking: (allocator) => [
      ...threads,
      // From little, so that what it is at the end is what the program needed.
      ...["-sALLOW_MEMORY_GROWTH", `-sINITIAL_MEMORY=${4 * STACK_BYTES}`, `-sMAXIMUM_MEMORY=${2 ** 31}`],
      ...["-sEXIT_RUNTIME=1", "-sNODERAWFS=1", `-sTOTAL_STACK=${STACK_BYTES}`, "-sENVIRONMENT=node,worker"],
      ...["--pre-js", "frame.js", `-sMALLOC=${allocator === OURS ? "dlmalloc" : allocator}`],
    ],
    command: (output) => ({ file: process.execPath, args: [...EMSCRIPTEN_NODE, output] }),
  };
}

const WASI: Toolchain = {
  name: "wasi",
  title: "WASI",
  allocators: [OURS, "dlmalloc"],
  linksOurs: true,
  cc: "clang-14",
  cxx: "clang++-14",
  isNative: false,
  flags: ["--target=wasm32-wasi", OPTIMISED],
  linking: () => [`-Wl,-z,stack-size=${STACK_BYTES}`],
  command: (output) => ({ file: process.execPath, args: [...WASI_NODE, "frame.mjs", output] }),
};

const GCC: Toolchain = {
  name: "gcc",
  title: "Linux, glibc",
  allocators: [OURS, "glibc", PRELOADED],
  linksOurs: true,
  cc: "gcc",
  cxx: "g++",
  isNative: true,
  flags: [OPTIMISED, "-pthread"],
  linking: () => [],
  command: async (output, allocator, directory) => {
    const file = path.join(directory, output);
    if (allocator !== PRELOADED) return { file, args: [] };
    const { shared } = await buildNative({
      profile: await loadProfile("default"),
      out: path.join(directory, "preloaded"),
    });
    return { file, args: [], env: preloading(shared) };
  },
};

/** An allocator that programs of this machine are started with. */
export interface Preload {
  readonly name: string;
  /** Path of the library; undefined for the C library's own. */
  readonly library: string | undefined;
}

/** Programs as the system's compiler makes them, under allocators that are loaded into them when they start. */
export function preloadedToolchain(preloads: readonly Preload[]): Toolchain {
  const libraries = new Map(preloads.map(({ name, library }) => [name, library]));
  return {
    ...GCC,
    title: "Linux",
    allocators: preloads.map(({ name }) => name),
    linksOurs: false,
    command: (output, allocator, directory) => ({
      file: path.resolve(directory, output),
      args: [],
      // Whatever this process was started with itself.
      env: preloading(libraries.get(allocator), { ...process.env, LD_PRELOAD: "" }),
    }),
  };
}

const MUSL: Toolchain = {
  name: "musl",
  title: "Linux, musl",
  allocators: [OURS, "musl"],
  linksOurs: true,
  cc: "musl-gcc",
  cxx: "false",
  isNative: true,
  flags: [OPTIMISED, "-pthread", "-static"],
  linking: () => [],
  command: (output, _, directory) => ({ file: path.join(directory, output), args: [] }),
};

/** Rust's own tools build the program, and the crate hakmem.c. */
function rust(name: string, title: string, own: string, target: string | undefined): Toolchain {
  const wasm = target !== undefined;
  return {
    name,
    title,
    allocators: [OURS, own],
    linksOurs: true,
    cc: "false",
    cxx: "false",
    isNative: !wasm,
    flags: [],
    linking: () => (wasm ? ["--target", target, "--lib"] : ["--bin", "program"]),
    command: (output, _, directory) =>
      wasm ? { file: process.execPath, args: ["rust.mjs", output] } : { file: path.join(directory, output), args: [] },
  };
}

export const TOOLCHAINS = {
  emscripten: emscripten("emscripten", "Emscripten", false),
  "emscripten-threads": emscripten("emscripten-threads", "Emscripten, threads", true),
  wasi: WASI,
  gcc: GCC,
  musl: MUSL,
  rust: rust("rust", "Rust, Linux", "glibc", undefined),
  "rust-wasm": rust("rust-wasm", "Rust, WebAssembly", "dlmalloc", "wasm32-unknown-unknown"),
} as const;

export type ToolchainName = keyof typeof TOOLCHAINS;

/** A toolchain at work in a directory of its own. */
export class Kit {
  constructor(
    readonly toolchain: Toolchain,
    readonly directory: string,
  ) {}

  /** Lays out what programs are linked with. */
  async prepare(): Promise<void> {
    const frames = { "frame.js": EMSCRIPTEN_FRAME, "frame.mjs": WASI_FRAME, "rust.mjs": RUST_FRAME };
    const files = { ...frames, "hakmem.c": await hakmem() };
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(this.directory, name), text);
  }

  /** Runs a tool where the toolchain works. Rejects with {@link ExplainedError} and what it wrote when it fails. */
  async run(command: string, args: readonly string[], cwd = this.directory): Promise<void> {
    await runTool(command, args, { cwd, env: environment() });
  }

  /** Compiles sources of C and C++ and returns their objects. */
  async compile(sources: readonly string[], flags: readonly string[] = []): Promise<string[]> {
    const objects: string[] = [];
    for (const source of sources) {
      const object = `${path.basename(source)}.o`;
      const compiler = /\.c$/.test(source) ? this.toolchain.cc : this.toolchain.cxx;
      await this.run(compiler, [...this.toolchain.flags, "-w", ...flags, "-c", source, "-o", object]);
      objects.push(object);
    }
    return objects;
  }

  /** Links objects with an allocator. */
  async link(
    objects: readonly string[],
    allocator: string,
    { libraries = [], isCxx = false }: { readonly libraries?: readonly string[]; readonly isCxx?: boolean } = {},
  ): Promise<Command> {
    const { toolchain, directory } = this;
    const output = `${allocator.replace(/\W+/g, "-")}${toolchain.cc === "emcc" ? ".js" : ""}`;
    const ours = allocator === OURS && toolchain.linksOurs ? await this.compile(["hakmem.c"]) : [];
    const options = [...toolchain.flags, ...toolchain.linking(allocator), "-o", output];
    await this.run(isCxx ? toolchain.cxx : toolchain.cc, [...objects, ...ours, ...libraries, ...options]);
    return toolchain.command(output, allocator, directory);
  }
}

let text: Promise<string> | undefined;

function hakmem(): Promise<string> {
  return (text ??= loadProfile("default").then((profile) => amalgamate(publishedBodies([profile]))));
}

function environment(): NodeJS.ProcessEnv {
  // Debian's, which has the standard library for WebAssembly.
  return { ...compilerEnvironment(), RUSTC: "/usr/bin/rustc", CC_wasm32_unknown_unknown: "clang-14" };
}
