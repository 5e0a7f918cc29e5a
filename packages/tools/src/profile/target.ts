/**
 * What the allocator's one source is compiled to. A target fixes the pointer width and whether the memory is shared;
 * everything else is the profile's.
 */

/** What sets one target apart from another. */
export interface TargetTraits {
  /** Width of `usize` and of memory addresses. */
  readonly pointerBits: 32 | 64;
  /** Whether the module imports a shared memory and uses atomic instructions. */
  readonly shared: boolean;
  /** Whether the module is on its way to C: threads begin by themselves, and the platform is functions of C. */
  readonly native: boolean;
  /** Whether memory can be reserved and given back, as a process's can; a WebAssembly memory cannot. */
  readonly virtual: boolean;
  /** Width of the addresses that a heap can be asked to manage: a `profile` may choose less. */
  readonly addressBits: number;
  /** Largest maximum, in 64 KiB pages, that a memory for this target can declare. */
  readonly maximumPages: number;
}

/** 64 KiB pages in 4 GiB. */
const PAGES_32 = 2 ** 16;
/** 64 KiB pages in 16 GiB, the most that V8 gives one 64-bit memory. */
const PAGES_64 = 2 ** 18;

export const TARGETS = {
  wasm32: { pointerBits: 32, shared: false, native: false, virtual: false, addressBits: 32, maximumPages: PAGES_32 },
  "wasm32-shared": {
    pointerBits: 32,
    shared: true,
    native: false,
    virtual: false,
    addressBits: 32,
    maximumPages: PAGES_32,
  },
  wasm64: { pointerBits: 64, shared: false, native: false, virtual: false, addressBits: 34, maximumPages: PAGES_64 },
  "wasm64-shared": {
    pointerBits: 64,
    shared: true,
    native: false,
    virtual: false,
    addressBits: 34,
    maximumPages: PAGES_64,
  },
  native: { pointerBits: 64, shared: true, native: true, virtual: true, addressBits: 47, maximumPages: PAGES_64 },
  "linked-wasm32": {
    pointerBits: 32,
    shared: true,
    native: true,
    virtual: false,
    addressBits: 32,
    maximumPages: PAGES_32,
  },
  "linked-wasm64": {
    pointerBits: 64,
    shared: true,
    native: true,
    virtual: false,
    addressBits: 34,
    maximumPages: PAGES_64,
  },
} as const satisfies Record<string, TargetTraits>;

export type Target = keyof typeof TARGETS;

/** Names of all targets, in the order in which they are built and listed. */
export const TARGET_NAMES = Object.keys(TARGETS) as readonly Target[];

/** What is particular to `target`. */
export function traitsOf(target: Target): TargetTraits {
  return TARGETS[target];
}

/** Whether `name` names a target. */
export function isTarget(name: string): name is Target {
  return Object.hasOwn(TARGETS, name);
}

/** The targets of the C that is linked with WebAssembly programs. */
export const LINKED_TARGETS = ["linked-wasm32", "linked-wasm64"] as const satisfies readonly Target[];

/** The targets that the package ships as WebAssembly modules. */
export const WASM_TARGETS: readonly Target[] = TARGET_NAMES.filter((name) => !TARGETS[name].native);
