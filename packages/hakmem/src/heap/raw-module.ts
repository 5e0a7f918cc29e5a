/** The allocator's module as JavaScript sees it: its exports by their C names, and how an instance is made. */

import { HeapCorruptionError, ModuleError, hex, type CorruptionKind } from "../errors.js";
import type { WasmMemory } from "../platform.js";
import type { Observer } from "../observe/observer.js";
import type { Width } from "./width.js";

/** The exports that the library calls, as they are: `Word` is how the module passes a `usize`. */
export interface RawExports<Word extends number | bigint> {
  malloc(size: Word): Word;
  free(pointer: Word): void;
  calloc(count: Word, size: Word): Word;
  realloc(pointer: Word, size: Word): Word;
  aligned_alloc(alignment: Word, size: Word): Word;
  malloc_usable_size(pointer: Word): Word;
  malloc_trim(pad: Word): number;
  malloc_prewarm(size: Word, count: Word): Word;
  thread_init(control: Word): Word;
  thread_exit(): void;
  thread_id(): number;
  thread_reclaim(id: number): number;
  free_all(): number;
  /** Modules of guard profiles only. */
  heap_check?(): void;
  heap_stat(what: number): Word;
  class_stat(index: number, what: number): Word;
  config_hash(): number;
  guard_block?(address: Word, step: number, what: number): bigint;
  guard_history?(address: Word, back: number, what: number): bigint;
  /** Modules of profiles with statistics only. */
  counter?(index: number, what: number): bigint;
  retirement?(back: number, what: number): bigint;
}

const EXPORT_NAMES: readonly (keyof RawExports<number>)[] = [
  "malloc",
  "free",
  "calloc",
  "realloc",
  "aligned_alloc",
  "malloc_usable_size",
  "malloc_trim",
  "malloc_prewarm",
  "thread_init",
  "thread_exit",
  "thread_id",
  "thread_reclaim",
  "free_all",
  "heap_stat",
  "class_stat",
  "config_hash",
];

/** The module's functions with plain numbers, for everything that need not be fast. */
export interface Allocator {
  malloc(size: number): number;
  free(pointer: number): void;
  realloc(pointer: number, size: number): number;
  usableSize(pointer: number): number;
  /** Whether anything was given back. */
  trim(keep: number): boolean;
  /** Has blocks given back that checks hold after they were freed, where the module has checks. */
  release(): void;
  prewarm(size: number, count: number): number;
  /** @returns the address of the control block; 0 when there is no memory, undefined when there is no heap to attach to */
  threadInit(control: number): number | undefined;
  threadExit(): void;
  threadId(): number;
  reclaim(id: number): boolean;
  freeAll(): void;
  /** Checks all blocks, where the module has checks. */
  check(): void;
  heapStat(what: number): number;
  classStat(index: number, what: number): number;
  configHash(): number;
  /** A count; undefined where the module does not count. */
  counter(index: number, what: number): number | undefined;
  /** Of the slab that went back to the pool `back` slabs ago; 0 for none. */
  retirement(back: number, what: number): number;
}

export interface RawInstance<Word extends number | bigint> {
  readonly exports: RawExports<Word>;
  readonly allocator: Allocator;
  readonly width: Width<Word>;
  /** Has `listener` told of corruption that the `guard` profile finds, right before the call that found it throws. */
  onCorruption(listener: (error: HeapCorruptionError) => void): void;
  /** Has `observer` told of all that the thread does; where the heap is a program's that can. Without one, nobody. */
  readonly observe?: ((observer: Observer | undefined) => void) | undefined;
}

/**
 * Instantiates `module` over `memory`. The instance belongs to the calling thread and may not allocate before `threadInit`.
 * @throws {ModuleError} when the module does not accept the memory or is no allocator
 */
export function instantiate<Word extends number | bigint>(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  width: Width<Word>,
): RawInstance<Word> {
  let tell = (_: HeapCorruptionError): void => undefined;
  const fail = (code: number, block: Word, size: Word, at: Word, value: number): never => {
    const { toNumber, toWord } = width;
    const failure = { block: toNumber(block), size: toNumber(size), at: toNumber(at), value: value >>> 0 };
    const error = corruption(code, failure, reportOf(exports, block === toWord(0) ? at : block));
    tell(error);
    throw error;
  };
  const exports = link<Word>(module, {
    env: { memory, hakmem_fail: fail, hakmem_now: () => performance.timeOrigin + performance.now() },
  });
  return {
    exports,
    allocator: withNumbers(exports, width),
    width,
    onCorruption: (listener) => {
      tell = listener;
    },
  };
}

/** An instance of a program that has a heap of its own, and its memory. */
export interface Program {
  /** What the instance exports; of Emscripten the `Module`, whose names have an underscore before them. */
  readonly exports: Readonly<Record<string, unknown>>;
  readonly memory: WasmMemory;
  /**
   * Of a program that is compiled with `-DHAKMEM_OBSERVE`, but not by Emscripten: an object whose function `hakmemObserver` its import
   * `env.hakmem_seen` calls, and returns what that does, or -1 where there is none.
   */
  readonly host?: ProgramHost;
}

/** Where a heap's observer is put; see {@link Program}. */
export interface ProgramHost {
  /** Told by numbers, as native/observe-webassembly.h has them. */
  hakmemObserver?: ((kind: number, block: number, size: number, more: number, left: number) => number) | undefined;
}

/** What a program has no use for: it owns its heap, and its threads. */
const NOT_OF_PROGRAMS = { thread_exit: () => undefined, free_all: () => 0, config_hash: () => 0 };

/**
 * The allocator that `program` is linked with, as the exports of a module.
 * @throws {ModuleError} when it exports none
 */
export function ofProgram<Word extends number | bigint>(program: Program, width: Width<Word>): RawInstance<Word> {
  const found = Object.fromEntries(
    EXPORT_NAMES.filter((name) => !(name in NOT_OF_PROGRAMS)).map((name) => [name, programFunction(program, name)]),
  );
  const exports = { ...found, ...NOT_OF_PROGRAMS } as unknown as RawExports<Word>;
  return {
    exports,
    allocator: withNumbers(exports, width),
    width,
    onCorruption: () => undefined,
    observe: observeProgram(program),
  };
}

/** Kinds of native/observe-webassembly.h, and ways to be told. */
const SEEN = { new: 0, end: 1, wrong: 3 } as const;
const HOW = { none: 0, sample: 1, all: 2 } as const;

/** Has an observer told by the program itself; undefined where it is compiled without. */
function observeProgram(program: Program): RawInstance<number>["observe"] {
  const { exports } = program;
  const host: ProgramHost = program.host ?? exports;
  const observe = exports["hakmem_observe"] ?? exports["_hakmem_observe"];
  if (typeof observe !== "function") return undefined;
  return (observer) => {
    host.hakmemObserver =
      observer &&
      function observedProgram(kind, block, size, more, left) {
        if (kind === SEEN.end) return Number(observer.freed(block));
        if (kind === SEEN.wrong) console.error(observer.originOf(block));
        else if (kind !== SEEN.new) observer.resized(more, block, size);
        else {
          observer.left = left;
          observer.allocated(block, size, more);
        }
        return observer.left;
      };
    const how = observer === undefined ? HOW.none : observer.left === 0 ? HOW.all : HOW.sample;
    (observe as (how: number, left: number) => void)(how, observer?.left ?? 0);
  };
}

/** The name of the profile that `program` is linked with. */
export function profileOfProgram<Word extends number | bigint>(program: Program, { toNumber }: Width<Word>): string {
  const at = toNumber((programFunction(program, "profile") as () => Word)());
  const bytes = new Uint8Array(program.memory.buffer, at);
  return String.fromCharCode(...bytes.slice(0, bytes.indexOf(0)));
}

function programFunction({ exports }: Program, name: string): unknown {
  // Whatever a program passes, it is told what is missing.
  const names = (exports as Program["exports"] | null | undefined) ?? {};
  const found = names[`hakmem_${name}`] ?? names[`_hakmem_${name}`];
  if (typeof found === "function") return found;
  throw new ModuleError({
    problem: `the program does not export the function hakmem_${name}`,
    remedy: "Compile the program's hakmem.c, of this version, with -DHAKMEM_FOR_JAVASCRIPT.",
    argument: "program.exports",
    value: exports,
  });
}

export function withNumbers<Word extends number | bigint>(
  raw: RawExports<Word>,
  { toNumber, toWord }: Width<Word>,
): Allocator {
  const noHeap = toWord(-1);
  return {
    malloc: (size) => toNumber(raw.malloc(toWord(size))),
    free: (pointer) => raw.free(toWord(pointer)),
    realloc: (pointer, size) => toNumber(raw.realloc(toWord(pointer), toWord(size))),
    usableSize: (pointer) => toNumber(raw.malloc_usable_size(toWord(pointer))),
    trim: (keep) => raw.malloc_trim(toWord(keep)) !== 0,
    release: () => {
      if (raw.heap_check !== undefined) raw.malloc_trim(toWord(-1));
    },
    prewarm: (size, count) => toNumber(raw.malloc_prewarm(toWord(size), toWord(count))),
    threadInit: (control) => {
      const answer = raw.thread_init(toWord(control));
      return answer === noHeap ? undefined : toNumber(answer);
    },
    threadExit: raw.thread_exit,
    threadId: () => raw.thread_id() >>> 0,
    reclaim: (id) => raw.thread_reclaim(id) !== 0,
    freeAll: () => void raw.free_all(),
    check: () => raw.heap_check?.(),
    heapStat: (what) => toNumber(raw.heap_stat(what)),
    classStat: (index, what) => toNumber(raw.class_stat(index, what)),
    configHash: () => raw.config_hash() >>> 0,
    counter: (index, what) => (raw.counter === undefined ? undefined : Number(raw.counter(index, what))),
    retirement: (back, what) => Number(raw.retirement?.(back, what) ?? 0),
  };
}

function link<Word extends number | bigint>(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): RawExports<Word> {
  let exports: WebAssembly.Exports;
  try {
    exports = new WebAssembly.Instance(module, imports).exports;
  } catch (cause) {
    throw new ModuleError({
      problem: `the module cannot be linked to the heap's memory (${String(cause)})`,
      remedy:
        "Pass a module of the target that shared and memory64 ask for: wasm32, wasm32-shared, wasm64 or wasm64-shared.",
      argument: "module",
      value: module,
      cause,
    });
  }
  for (const name of EXPORT_NAMES) {
    if (typeof exports[name] !== "function") {
      throw new ModuleError({
        problem: `the module does not export the function ${name}`,
        remedy: 'Pass a module that "hakmem build" made with the tools of this version.',
        argument: "module",
        value: module,
      });
    }
  }
  return exports as unknown as RawExports<Word>;
}

/** What a failed check of the `guard` profile says: `env.hakmem_fail`'s arguments; see assembly/platform/wasm.ts. */
interface Failure {
  readonly block: number;
  readonly size: number;
  readonly at: number;
  readonly value: number;
}

interface Corruption {
  readonly kind: CorruptionKind;
  /** What is wrong, behind "the block at 0x… (n bytes) ". */
  readonly says: (failure: Failure) => string;
  readonly remedy: string;
}

const bytes = (count: number): string => (count === 1 ? "1 byte" : `${count} bytes`);
const holds = ({ at, value }: Failure): string =>
  `the byte at ${hex(at)} holds 0x${value.toString(16).padStart(2, "0")}`;

/** By the codes of assembly/failure.ts, from 1. */
const CORRUPTIONS: readonly Corruption[] = [
  {
    kind: "double free",
    says: () => "was freed twice",
    remedy: "Find the second owner of the block, and set its pointer to 0 where the first one frees it.",
  },
  {
    kind: "foreign pointer",
    says: () => "is not an address that this heap handed out",
    remedy: "Free a pointer with the heap that allocated it, and only what an allocating call returned.",
  },
  {
    kind: "interior pointer",
    says: ({ block, at }) =>
      `was freed by a pointer ${bytes(Math.abs(at - block))} ${at < block ? "before" : "behind"} its beginning, ${hex(at)}`,
    remedy: "Keep the address that the allocating call returned, and free that.",
  },
  {
    kind: "use after free",
    says: (failure) => `was written to after it was freed: ${holds(failure)}`,
    remedy: "Find who keeps using the block, and free it only when nobody does.",
  },
  {
    kind: "overflow",
    says: (failure) => {
      const distance = failure.at - failure.block - failure.size + 1;
      return `was written to ${bytes(distance)} beyond its end: ${holds(failure)}`;
    },
    remedy: "Look for an index or a length that is too large by so much, and ask for more or write less.",
  },
  {
    kind: "underflow",
    says: (failure) => `was written to ${bytes(failure.block - failure.at)} before its beginning: ${holds(failure)}`,
    remedy: "Look for a negative index or a pointer that was decremented too often.",
  },
  {
    kind: "wrong size",
    says: ({ value }) => `was freed with a size of ${value}, which is not the one it was allocated with`,
    remedy: "Pass the size of the allocating call, or use free, which needs none.",
  },
  {
    kind: "wrong alignment",
    says: ({ value }) => `was freed with an alignment of ${value}, which is not the one it was allocated with`,
    remedy: "Pass the alignment of the allocating call, or use free, which needs none.",
  },
  {
    kind: "wrong function",
    says: () => "was not made by the function that belongs to the one that frees or resizes it",
    remedy: "Free what new made with delete, what new[] made with delete[], and all else with free.",
  },
  {
    kind: "not a block",
    says: () => "is not the start of a block that is in use",
    remedy: "Free once, and only what an allocating call returned; the guard profile says more.",
  },
  {
    kind: "broken link",
    says: () => "is free and was written to: by who freed it, or by who holds the block before it",
    remedy: "Run the program with the guard profile, which says by how much and when.",
  },
];

const STATES = ["never used", "in use", "freed, in quarantine", "freed, and given back"];
const OPERATIONS = ["", "allocated", "freed", "given back", "resized"];

/** What the `guard` profile knows of a block: its slab, its neighbours, and the last operations on blocks of its page; a line each. */
function reportOf<Word extends number | bigint>(raw: RawExports<Word>, address: Word): string {
  const block = (step: number, what: number): number => Number(raw.guard_block?.(address, step, what) ?? 0);
  const operation = (back: number, what: number): number => Number(raw.guard_history?.(address, back, what) ?? 0);
  const beside = (name: string, step: number): string[] =>
    block(step, 0) === 0
      ? []
      : [`${name}: ${hex(block(step, 0))}, ${bytes(block(step, 1))}, ${STATES[block(step, 2)]}`];
  const slab = `it lies in a slab of blocks of ${bytes(block(0, 3))}, checks included, which is thread ${block(0, 4)}'s`;
  const history: string[] = [];
  for (let back = 0; operation(back, 0) !== 0; back++)
    history.push(
      `${OPERATIONS[operation(back, 0)]}: ${hex(operation(back, 1))}, ${bytes(operation(back, 2))}, by thread ${operation(back, 3)}`,
    );
  return [
    ...(block(0, 3) === 0 ? [] : [slab]),
    ...beside("the block before it", -1),
    ...beside("the block itself", 0),
    ...beside("the block behind it", 1),
    ...(history.length === 0 ? [] : ["the last operations on blocks of its page, the latest first:", ...history]),
  ].join("\n");
}

function corruption(code: number, failure: Failure, report: string): HeapCorruptionError {
  const { kind, says, remedy } = CORRUPTIONS[code - 1] ?? {
    kind: "unknown" as const,
    says: () => `failed the check with the unknown code ${code}`,
    remedy: "Use a module that was built with this version of the package.",
  };
  const { block, size, at } = failure;
  const subject =
    kind === "foreign pointer" || kind === "not a block" ? hex(at) : `the block at ${hex(block)} (${bytes(size)})`;
  return new HeapCorruptionError(kind, { ...failure, report, problem: `${kind}: ${subject} ${says(failure)}`, remedy });
}
