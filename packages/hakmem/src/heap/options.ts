/** What `createHeap` can be asked for, and the checks that turn it into something that can be built. */

import { InvalidArgumentError, NotCrossOriginIsolatedError, UnsupportedError } from "../errors.js";
import { checkNames } from "./arguments.js";
import { ShippedModule, type ModuleSource } from "./module-source.js";
import { PROFILES, PROFILE_NAMES, isProfileName, type ProfileName } from "./profiles.js";
import { WIDTH_32, WIDTH_64, has64BitMemories } from "./width.js";

/** What belongs to a thread's use of a heap. */
export interface AttachOptions {
  /**
   * Whether the block of a typed array that `alloc` made is freed when the array is garbage-collected; false unless given.
   * Engines do that some time later, or never: it mends what a program forgets, it is no plan. The array keeps its block, not a
   * subarray or another view of it; and one whose block is freed in another thread or by a module that has `exports` must have given
   * it up (`heap.disown(array)`), or what is then at its address is freed.
   */
  readonly releaseCollected?: boolean;
}

export interface HeapOptions extends AttachOptions {
  /** Whether workers can attach to the heap; false unless given. In a browser this needs a cross-origin isolated page. */
  readonly shared?: boolean;
  /** Which build of the allocator to use; `default` unless given. With `module`, any name under which the heap shall go. */
  readonly profile?: ProfileName | (string & {});
  /**
   * Address where the heap begins, rounded up to 64 KiB; 0 unless given. What lies below it is yours: for the data and the stack
   * of WebAssembly modules that import the memory.
   */
  readonly base?: number;
  /** Bytes to take from the memory at once, so that they need no growth later; 0 unless given. */
  readonly initial?: number;
  /**
   * Whether addresses are wider than 32 bits, for heaps beyond 4 GiB; false unless given. It needs an engine with 64-bit
   * memories (Node 24, browsers of 2025), and each call costs some 50 ns more.
   */
  readonly memory64?: boolean;
  /**
   * Bytes that the memory may grow to, rounded down to 64 KiB; all that the profile can address unless given. It is address
   * space, not memory, but a browser on a small device may refuse a large one, for a shared heap above all.
   */
  readonly maximum?: number;
  /** The allocator's module, where the one that ships with the package is not wanted or cannot be reached. */
  readonly module?: ModuleSource;
}

/** Options with everything decided. */
export interface HeapPlan {
  readonly shared: boolean;
  readonly memory64: boolean;
  readonly profile: string;
  readonly basePages: number;
  readonly initial: number;
  readonly maximumPages: number;
  readonly module: ModuleSource | ShippedModule;
  readonly releaseCollected: boolean;
}

const ATTACH_OPTIONS = ["releaseCollected"] satisfies (keyof AttachOptions)[];
const HEAP_OPTIONS = [
  ...["shared", "profile", "memory64", "base", "initial", "maximum", "module"],
  ...ATTACH_OPTIONS,
] as (keyof HeapOptions)[];

/** A page of WebAssembly memory, in bytes: the unit in which it grows. */
export const WASM_PAGE = 65_536;

/** The name of a heap over a module that was passed without one. */
const CUSTOM_PROFILE = "custom";

export function planHeap(options: HeapOptions): HeapPlan {
  checkNames(options, HEAP_OPTIONS);
  const { shared = false, memory64 = false } = options;
  checkFlag("shared", shared, "Leave it out for a private heap.");
  checkFlag("memory64", memory64, "Leave it out for a heap of at most 4 GiB.");
  const { profile = options.module === undefined ? "default" : CUSTOM_PROFILE } = options;
  const limit = 2 ** addressBits(profile, options.module, memory64);
  const maximum = bytes("maximum", options.maximum === undefined ? limit : options.maximum);
  if (maximum < WASM_PAGE || maximum > limit) {
    throw new InvalidArgumentError(
      "maximum",
      maximum,
      `from ${WASM_PAGE} to ${limit} bytes, which is what the profile ${profile} can address`,
      maximum > limit
        ? "Lower it, or choose a profile that addresses more."
        : "Leave it out for the largest possible heap.",
    );
  }
  const initial = bytes("initial", options.initial === undefined ? 0 : options.initial);
  const base = bytes("base", options.base === undefined ? 0 : options.base);
  const basePages = Math.ceil(base / WASM_PAGE);
  const maximumPages = Math.floor(maximum / WASM_PAGE);
  if (basePages >= maximumPages) {
    throw new InvalidArgumentError(
      "base",
      base,
      `below the maximum of ${maximum} bytes by a page of 64 KiB at least`,
      "Lower base or raise maximum.",
    );
  }
  // The last page of what can be addressed is never used.
  const most = Math.min(maximum, limit - WASM_PAGE) - base;
  if (initial > maximum - base) {
    throw new InvalidArgumentError(
      "initial",
      initial,
      `at most the ${maximum - base} bytes up to the maximum`,
      "Lower initial or raise maximum.",
    );
  }
  const module = checkModule(options.module) ?? new ShippedModule(profile as ProfileName, { shared, memory64 });
  if (shared) checkIsolation();
  if (memory64) check64BitMemories();
  return {
    shared,
    memory64,
    profile,
    basePages,
    initial: Math.min(initial, most),
    maximumPages,
    module,
    releaseCollected: releasesCollected(options),
  };
}

/** @returns whether collected arrays are released */
export function planAttachment(options: AttachOptions): boolean {
  checkNames(options, ATTACH_OPTIONS);
  return releasesCollected(options);
}

function releasesCollected({ releaseCollected = false }: AttachOptions): boolean {
  checkFlag("releaseCollected", releaseCollected, "Leave it out to free arrays yourself.");
  if (releaseCollected && typeof FinalizationRegistry === "undefined") {
    throw new UnsupportedError({
      problem: "releaseCollected is true, but this engine does not tell of garbage collection",
      remedy: "Leave releaseCollected out and free arrays yourself, or by a scope.",
      argument: "releaseCollected",
      value: true,
    });
  }
  return releaseCollected;
}

/**
 * Refuses to share memory on a page that cannot: `crossOriginIsolated` is false there, and does not exist in Node.
 * @throws {NotCrossOriginIsolatedError}
 */
export function checkIsolation(): void {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (crossOriginIsolated !== false) return;
  throw new NotCrossOriginIsolatedError({
    problem: "a shared heap needs a page that is cross-origin isolated, but crossOriginIsolated is false",
    remedy:
      'Serve the page with "Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" over https or from localhost, or leave shared out.',
    argument: "shared",
    value: true,
  });
}

function check64BitMemories(): void {
  if (has64BitMemories()) return;
  throw new UnsupportedError({
    problem: "memory64 is true, but this engine has no 64-bit memories",
    remedy: "Leave memory64 out for a heap of at most 4 GiB, or run in Node 24 or later or a current browser.",
    argument: "memory64",
    value: true,
  });
}

function checkFlag(argument: string, value: unknown, remedy: string): void {
  if (typeof value !== "boolean") throw new InvalidArgumentError(argument, value, "true or false", remedy);
}

function addressBits(profile: unknown, module: ModuleSource | undefined, memory64: boolean): number {
  const all = (memory64 ? WIDTH_64 : WIDTH_32).addressBits;
  if (isProfileName(profile)) {
    const { addressBits } = PROFILES[profile];
    return addressBits === "all" ? all : addressBits;
  }
  if (module !== undefined && typeof profile === "string" && profile !== "") return all;
  throw new InvalidArgumentError(
    "profile",
    profile,
    `one of ${PROFILE_NAMES.join(", ")}`,
    "For a profile of your own, build its module and pass it as module.",
  );
}

function bytes(argument: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError(
    argument,
    value,
    "a whole number of bytes, 0 or more",
    "Write sizes as products, such as 64 * 1024 * 1024 for 64 MiB.",
  );
}

function checkModule(module: unknown): ModuleSource | undefined {
  if (
    module === undefined ||
    module instanceof WebAssembly.Module ||
    module instanceof URL ||
    module instanceof ArrayBuffer ||
    ArrayBuffer.isView(module)
  ) {
    return module;
  }
  throw new InvalidArgumentError(
    "module",
    module,
    "a WebAssembly.Module, its bytes or its URL",
    "Wrap an address in new URL(…), or leave it out for the module that ships with the package.",
  );
}
