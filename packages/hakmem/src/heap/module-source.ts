/**
 * Where the allocator's modules come from. They are inside the package as ECMAScript, so that it needs neither a file beside it nor
 * a bundler that knows about WebAssembly: compressed, those of the default profile for 32 bits, which every program carries, and the
 * others, which are imported when a program asks for them.
 *
 * A module is compiled once for all heaps of a thread that use it.
 */

import { unzlibSync } from "fflate";
import { ModuleError, describe } from "../errors.js";
import type { Address, Bytes, WasmModule } from "../platform.js";
import type { ProfileName } from "./profiles.js";
import { PACK as CARRIED } from "#modules/default";

/** What `createHeap` accepts for a module: compiled, as bytes, or the address of a file to fetch. */
export type ModuleSource = WasmModule | Bytes | Address;

type Target = "wasm32" | "wasm32-shared" | "wasm64" | "wasm64-shared";

/** One of the modules inside this package. */
export class ShippedModule {
  readonly target: Target;

  constructor(
    readonly profile: ProfileName,
    { shared, memory64 }: { readonly shared: boolean; readonly memory64: boolean },
  ) {
    this.target = `${memory64 ? "wasm64" : "wasm32"}${shared ? "-shared" : ""}`;
  }

  /** Its name, and that of its file below `wasm/`. */
  get name(): string {
    return `${this.profile}.${this.target}.wasm`;
  }
}

/** Modules of one profile: zlib's format in base 85 (scripts/build-library.js), one behind the other, each of so many bytes when it is decompressed; those that
 * are not carried with all carried modules as its dictionary. */
export interface ModulePack {
  readonly data: string;
  readonly sizes: Readonly<Partial<Record<Target, number>>>;
}

/** The default profile's are those for 64 bits. */
const PACKS: Readonly<Record<ProfileName, () => Promise<{ readonly PACK: ModulePack }>>> = {
  default: () => import("#modules/default64"),
  compact: () => import("#modules/compact"),
  hardened: () => import("#modules/hardened"),
  guard: () => import("#modules/guard"),
};

const loading = new Map<string, Promise<WebAssembly.Module>>();
const loaded = new Map<string, WebAssembly.Module>();

/**
 * Compiles a module, in a browser without blocking its thread.
 * Rejects with {@link ModuleError} when the module cannot be had or is not valid WebAssembly.
 */
export async function loadModule(source: ModuleSource | ShippedModule): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof URL || source instanceof ShippedModule)) return compile(source, "the bytes given as module");
  const name = nameOf(source);
  const known = loaded.get(name);
  if (known !== undefined) return known;
  let promise = loading.get(name);
  if (promise === undefined) {
    promise = load(source, name).finally(() => loading.delete(name));
    loading.set(name, promise);
  }
  return promise;
}

/**
 * As {@link loadModule}, but at once: what is loaded already, a compiled module or bytes anywhere; anything in Node.
 * @throws {ModuleError} where that is not possible
 */
export function loadModuleSync(source: ModuleSource | ShippedModule): WebAssembly.Module {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof URL || source instanceof ShippedModule))
    return compileSync(source, "the bytes given as module");
  const name = nameOf(source);
  let module = loaded.get(name);
  if (module === undefined) {
    module = compileSync(source instanceof URL ? readUrlSync(source) : readShippedSync(source), name);
    loaded.set(name, module);
  }
  return module;
}

function nameOf(source: URL | ShippedModule): string {
  return source instanceof URL ? source.href : source.name;
}

async function load(source: URL | ShippedModule, name: string): Promise<WebAssembly.Module> {
  const module = await compile(source instanceof URL ? await readUrl(source) : await readShipped(source), name);
  loaded.set(name, module);
  return module;
}

/** A module of a pack; undefined where it is not in it. */
function unpack(
  { data, sizes }: ModulePack,
  wanted: Target,
  dictionary?: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const entries = Object.entries(sizes);
  const index = entries.findIndex(([target]) => target === wanted);
  if (index < 0) return undefined;
  const start = entries.slice(0, index).reduce((sum, [, size]) => sum + size, 0);
  return unzlibSync(decode(data), dictionary && { dictionary }).slice(start, start + entries[index]![1]);
}

/** A module that every program carries; undefined for the others. */
function carried({ profile, target }: ShippedModule): Uint8Array<ArrayBuffer> | undefined {
  return profile === "default" ? unpack(CARRIED, target) : undefined;
}

async function readShipped(shipped: ShippedModule): Promise<BufferSource> {
  const bytes = carried(shipped);
  if (bytes !== undefined) return bytes;
  try {
    const { PACK } = await PACKS[shipped.profile]();
    const module = unpack(PACK, shipped.target, unzlibSync(decode(CARRIED.data)));
    if (module === undefined) throw new RangeError(`it is not among ${Object.keys(PACK.sizes).join(", ")}`);
    return module;
  } catch (cause) {
    throw unavailable(shipped.name, "from this package", cause);
  }
}

function readShippedSync(shipped: ShippedModule): BufferSource {
  const bytes = carried(shipped);
  if (bytes !== undefined) return bytes;
  const fs = nodeFs();
  if (fs === undefined) {
    throw new ModuleError({
      problem: `the module ${shipped.name} is not loaded yet, and cannot be at once`,
      remedy: "Call await preload(…) with the same options before createHeapSync, or use await createHeap(…).",
      argument: "profile",
      value: shipped.profile,
    });
  }
  // No bundler shall take it for an asset.
  const here: string = import.meta.url;
  try {
    return readFile(fs, new URL(`./wasm/${shipped.name}`, here));
  } catch (cause) {
    throw new ModuleError({
      problem: `the module ${shipped.name} is not loaded yet, and its file is not beside this one (${String(cause)})`,
      remedy: "Call await preload(…) with the same options before createHeapSync, or use await createHeap(…).",
      argument: "profile",
      value: shipped.profile,
      cause,
    });
  }
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (let digit = at; digit < at + 5; digit++) {
      const code = text.charCodeAt(digit);
      word = word * 85 + code - (code > 92 ? 36 : 35);
    }
    bytes.setUint32((at / 5) * 4, word);
  }
  return new Uint8Array(bytes.buffer);
}

async function readUrl(url: URL): Promise<BufferSource> {
  const fs = url.protocol === "file:" ? (nodeFs() ?? (await importNodeFs())) : undefined;
  if (fs === undefined) return fetchBytes(url);
  try {
    return readFile(fs, url);
  } catch (cause) {
    throw unavailable("module", `from ${url.href}`, cause);
  }
}

async function fetchBytes(url: URL): Promise<ArrayBuffer> {
  let status: string;
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
    status = `${response.status} ${response.statusText}`.trim();
  } catch (cause) {
    throw unavailable("module", `from ${url.href}`, cause);
  }
  throw unavailable("module", `from ${url.href}`, status);
}

function readUrlSync(url: URL): BufferSource {
  const fs = url.protocol === "file:" ? nodeFs() : undefined;
  if (fs === undefined) {
    throw new ModuleError({
      problem: `a file cannot be read synchronously here (${url.href})`,
      remedy: "Use await createHeap(…), or pass a compiled WebAssembly.Module or its bytes as module.",
      argument: "module",
      value: url,
    });
  }
  try {
    return readFile(fs, url);
  } catch (cause) {
    throw unavailable("module", `from ${url.href}`, cause);
  }
}

function unavailable(name: string, where: string, cause: unknown): ModuleError {
  return new ModuleError({
    problem: `the allocator's ${name} cannot be loaded ${where} (${String(cause)})`,
    remedy:
      "Check that the package is whole, or that the address is right and may be fetched; or pass bytes as module.",
    argument: "module",
    value: name,
    cause,
  });
}

async function compile(bytes: BufferSource, origin: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw invalid(origin, bytes, cause);
  }
}

function compileSync(bytes: BufferSource, origin: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw invalid(origin, bytes, cause);
  }
}

function invalid(origin: string, bytes: BufferSource, cause: unknown): ModuleError {
  return new ModuleError({
    problem: `${origin} cannot be compiled (${String(cause)})`,
    remedy: 'Pass a WebAssembly module, unchanged, as "hakmem build" wrote it.',
    argument: "module",
    value: describe(bytes),
    cause,
  });
}

/** As much of `node:fs` as is used here. */
interface NodeFs {
  readFileSync(url: URL): Uint8Array;
}

/** As much of Node's `process`. */
interface NodeProcess {
  readonly versions?: { readonly node?: string };
  getBuiltinModule?(name: "node:fs"): NodeFs;
}

function readFile(fs: NodeFs, url: URL): BufferSource {
  return new Uint8Array(fs.readFileSync(url));
}

/** Node's file system without an import declaration, which a browser or a bundler would stumble over. */
function nodeFs(): NodeFs | undefined {
  return nodeProcess()?.getBuiltinModule?.("node:fs");
}

/** The same for Node before 20.16. */
async function importNodeFs(): Promise<NodeFs | undefined> {
  if (nodeProcess()?.versions?.node === undefined) return undefined;
  const name = "node:fs";
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as NodeFs;
}

function nodeProcess(): NodeProcess | undefined {
  return (globalThis as { process?: NodeProcess }).process;
}
