/**
 * Where the allocator's modules come from: files beside this one, read in Node and fetched in browsers.
 *
 * Each file is named by a literal `new URL('…', import.meta.url)`, which is the form that bundlers recognise and carry along.
 * A module is compiled once for all heaps of a thread that use it.
 */

import { ModuleError, describe } from "../errors.js";
import type { ProfileName } from "./profiles.js";

/** What `createHeap` accepts for a module: compiled, as bytes, or the address of a file to fetch. */
export type ModuleSource = WebAssembly.Module | BufferSource | URL;

/** The modules of one target. */
type Shipped = Readonly<Record<ProfileName, () => URL>>;

const WASM32: Shipped = {
  default: () => new URL("../wasm/default.wasm32.wasm", import.meta.url),
  compact: () => new URL("../wasm/compact.wasm32.wasm", import.meta.url),
  hardened: () => new URL("../wasm/hardened.wasm32.wasm", import.meta.url),
  guard: () => new URL("../wasm/guard.wasm32.wasm", import.meta.url),
};

const WASM32_SHARED: Shipped = {
  default: () => new URL("../wasm/default.wasm32-shared.wasm", import.meta.url),
  compact: () => new URL("../wasm/compact.wasm32-shared.wasm", import.meta.url),
  hardened: () => new URL("../wasm/hardened.wasm32-shared.wasm", import.meta.url),
  guard: () => new URL("../wasm/guard.wasm32-shared.wasm", import.meta.url),
};

const WASM64: Shipped = {
  default: () => new URL("../wasm/default.wasm64.wasm", import.meta.url),
  compact: () => new URL("../wasm/compact.wasm64.wasm", import.meta.url),
  hardened: () => new URL("../wasm/hardened.wasm64.wasm", import.meta.url),
  guard: () => new URL("../wasm/guard.wasm64.wasm", import.meta.url),
};

const WASM64_SHARED: Shipped = {
  default: () => new URL("../wasm/default.wasm64-shared.wasm", import.meta.url),
  compact: () => new URL("../wasm/compact.wasm64-shared.wasm", import.meta.url),
  hardened: () => new URL("../wasm/hardened.wasm64-shared.wasm", import.meta.url),
  guard: () => new URL("../wasm/guard.wasm64-shared.wasm", import.meta.url),
};

/** Address of the module of a profile that ships with the package. */
export function moduleUrl(profile: ProfileName, memory: { readonly shared: boolean; readonly memory64: boolean }): URL {
  const [own, shared] = memory.memory64 ? [WASM64, WASM64_SHARED] : [WASM32, WASM32_SHARED];
  return (memory.shared ? shared : own)[profile]();
}

const loading = new Map<string, Promise<WebAssembly.Module>>();
const loaded = new Map<string, WebAssembly.Module>();

/**
 * Compiles a module, in a browser without blocking its thread.
 * Rejects with {@link ModuleError} when the module cannot be had or is not valid WebAssembly.
 */
export async function loadModule(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof URL)) return compile(source, "the bytes given as module");
  const known = loaded.get(source.href);
  if (known !== undefined) return known;
  let promise = loading.get(source.href);
  if (promise === undefined) {
    promise = loadUrl(source).finally(() => loading.delete(source.href));
    loading.set(source.href, promise);
  }
  return promise;
}

/**
 * As {@link loadModule}, but at once: from a compiled module or bytes anywhere, from a `file:` URL in Node.
 * @throws {ModuleError} where that is not possible
 */
export function loadModuleSync(source: ModuleSource): WebAssembly.Module {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof URL)) return compileSync(source, "the bytes given as module");
  let module = loaded.get(source.href);
  if (module === undefined) {
    module = compileSync(readFileSync(source), source.href);
    loaded.set(source.href, module);
  }
  return module;
}

async function loadUrl(url: URL): Promise<WebAssembly.Module> {
  const fs = url.protocol === "file:" ? (nodeFs() ?? (await importNodeFs())) : undefined;
  const module = await compile(fs === undefined ? await fetchBytes(url) : readFile(fs, url), url.href);
  loaded.set(url.href, module);
  return module;
}

async function fetchBytes(url: URL): Promise<ArrayBuffer> {
  let status: string;
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
    status = `${response.status} ${response.statusText}`.trim();
  } catch (cause) {
    throw unavailable(url, String(cause), cause);
  }
  throw unavailable(url, status);
}

function readFileSync(url: URL): BufferSource {
  const fs = url.protocol === "file:" ? nodeFs() : undefined;
  if (fs === undefined) {
    throw new ModuleError({
      problem: `a file cannot be read synchronously here (${url.href})`,
      remedy: "Use await createHeap(…), or pass a compiled WebAssembly.Module or its bytes as module.",
      argument: "module",
      value: url,
    });
  }
  return readFile(fs, url);
}

function readFile(fs: NodeFs, url: URL): BufferSource {
  try {
    return new Uint8Array(fs.readFileSync(url));
  } catch (cause) {
    throw unavailable(url, String(cause), cause);
  }
}

function unavailable(url: URL, reason: string, cause?: unknown): ModuleError {
  return new ModuleError({
    problem: `the allocator's module cannot be loaded from ${url.href} (${reason})`,
    remedy: 'Run "npm run build" in a checkout, serve dist/wasm/ beside dist/heap/, or pass the module option.',
    argument: "module",
    value: url,
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
    remedy: 'Pass a WebAssembly module, unchanged, as "npm run build" or "hakmem build" wrote it.',
    argument: "module",
    value: describe(bytes),
    cause,
  });
}

/** As much of `node:fs` as is used here. */
interface NodeFs {
  readFileSync(url: URL): Uint8Array;
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

function nodeProcess(): Partial<NodeJS.Process> | undefined {
  return (globalThis as { process?: Partial<NodeJS.Process> }).process;
}
