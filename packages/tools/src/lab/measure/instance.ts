/** One linked module over one memory: the driver's exports, ready to run. */

import { ARENA_BYTES, ARENA_END, ARENA_START, MAXIMUM_PAGES, PAGE_BYTES } from "../arena.js";
import { MeasurementError, messageOf } from "../../base/errors.js";
import type { WasmHooks } from "../peers/peer.js";
import { readTrace } from "../recordings.js";
import type { Workload } from "../workloads.js";

export interface Place {
  readonly thread: number;
  readonly threads: number;
  /** What `begin` returned in thread 0; 0 there. */
  readonly control: number;
}

export function createMemory(
  peer: WasmHooks,
  workload: Workload,
  threads: number,
  shared: boolean,
): WebAssembly.Memory {
  const bytes = ARENA_END + peer.initialBytes(workload, threads, shared);
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES), maximum: MAXIMUM_PAGES, shared });
}

/** Bytes that the peer's heap has taken from `memory` so far; memory never shrinks, so this is its peak too. */
export function committedBytes(memory: WebAssembly.Memory): number {
  return memory.buffer.byteLength - ARENA_END;
}

export class DriverInstance {
  readonly control: number;
  private readonly exports: Readonly<Record<string, (...args: number[]) => unknown>>;

  private constructor(
    module: WebAssembly.Module,
    private readonly memory: WebAssembly.Memory,
    peer: WasmHooks,
    private readonly workload: Workload,
    { thread, threads, control }: Place,
  ) {
    const instance = new WebAssembly.Instance(module, importsOf(module, memory, peer));
    this.exports = instance.exports as Record<string, (...args: number[]) => unknown>;
    const context = { exports: this.exports, workload, start: ARENA_END, thread, control };
    if (workload.driver === "threads") this.call("arena_shared", ARENA_START, ARENA_BYTES, thread, threads);
    else this.call("arena_single", ARENA_START, ARENA_BYTES);
    this.control = this.guarded("begin", () => peer.begin(context));
    this.guarded("prefill", () => peer.prefill?.(context));
  }

  static async open(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    peer: WasmHooks,
    workload: Workload,
    place: Place = { thread: 0, threads: 1, control: 0 },
  ): Promise<DriverInstance> {
    const instance = new DriverInstance(module, memory, peer, workload, place);
    if (workload.trace === undefined) instance.call(`${workload.functions}_begin`, ...workload.args);
    else await instance.loadTrace();
    return instance;
  }

  /** Runs `steps` steps and returns the number of operations. */
  run(steps: number): number {
    return this.call(`${this.workload.functions}_run`, steps) as number;
  }

  waitForOthers(): void {
    this.call("barrier_wait");
  }

  checksum(): bigint {
    return BigInt.asUintN(64, this.call("ledger_checksum") as bigint);
  }

  liveBytes(): number {
    return Number(this.call("ledger_live"));
  }

  peakLiveBytes(): number {
    return Number(this.call("ledger_peak"));
  }

  private async loadTrace(): Promise<void> {
    const { events, slots } = await readTrace(this.workload);
    const address = this.call("trace_begin", events.length / 2, slots) as number;
    new Uint32Array(this.memory.buffer, address, events.length).set(events);
  }

  private call(name: string, ...args: number[]): unknown {
    return this.guarded(name, () => {
      const target = this.exports[name];
      if (target === undefined) throw new Error(`the linked module does not export ${name}`);
      return target(...args);
    });
  }

  /** A trap says little: add which call it was, and the request that the allocator refused if that is why. */
  private guarded<T>(what: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof MeasurementError) throw error;
      const refused = this.exports["ledger_failed"]?.() as number | undefined;
      const reason = refused ? `malloc or realloc of ${refused} bytes returned 0` : messageOf(error);
      throw new MeasurementError(`${what}: ${reason}`, { cause: error });
    }
  }
}

/** The memory, and functions: those that the peer provides, the guard's report, and nothing for whatever else it wants to tell. */
function importsOf(module: WebAssembly.Module, memory: WebAssembly.Memory, peer: WasmHooks): WebAssembly.Imports {
  const functions = { hakmem_fail: reportMisuse, ...peer.imports?.(memory) };
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const provided = Object.entries(functions).find(([known]) => known === name)?.[1] ?? (() => 0);
    (imports[from] ??= {})[name] = kind === "memory" ? memory : provided;
  }
  return imports;
}

function reportMisuse(code = 0, pointer = 0): never {
  throw new MeasurementError(`the guard found misuse, code ${code}, at address ${pointer >>> 0}`);
}
