/**
 * What a peer is. Each is one small file in this directory, listed in `index.ts`.
 *
 * The process that plans a run asks a peer whether it is available and builds it; the process that measures begins it. Both load
 * the peer's file, so what only building needs (compilers) is imported where it is used.
 */

import type { LabTarget } from "../target.js";
import type { Workload } from "../workloads.js";
import type { Sample, SampleRequest } from "../measure/protocol.js";

export interface PeerBase {
  /** What the command line selects by, and results name, together with `profile`. */
  readonly name: string;
  /** Profile of hakmem; null for all others. */
  readonly profile: string | null;
  /** One line for humans. */
  readonly description: string;
  /** Whether checksums over this peer mean something; not over the null allocator, whose blocks overlap. */
  readonly keepsContents: boolean;
  /** Undefined when it can be measured here, or else what to install, as text for a human. */
  missing(): Promise<string | undefined>;
}

/** Where a freshly linked instance finds itself. */
export interface WasmContext {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly workload: Workload;
  /** First address that is the peer's. */
  readonly start: number;
  readonly thread: number;
  /** What `begin` returned in thread 0; 0 there. */
  readonly control: number;
}

/** What the process that measures needs to know about an allocator in WebAssembly. */
export interface WasmHooks {
  readonly kind: "wasm";
  readonly keepsContents: boolean;
  /** Bytes behind the arena that must be there when the module is instantiated. */
  initialBytes(workload: Workload, threads: number, shared: boolean): number;
  /** Prepares one instance; its return value reaches `begin` of the other threads. */
  begin(context: WasmContext): number;
  /** Functions that the peer's module imports, by name; any other that it imports does nothing and returns 0. */
  imports?(memory: WebAssembly.Memory): Readonly<Record<string, (...args: number[]) => number>>;
  /** Runs after `begin` and before anything is timed. */
  prefill?(context: WasmContext): void;
}

/** An allocator in WebAssembly, merged with the driver into one module. */
export interface WasmPeer extends PeerBase, WasmHooks {
  readonly keepsContents: boolean;
  readonly targets: readonly LabTarget[];
  /** Label under which the measuring process finds the hooks: a fixed peer's own, `hakmem` or `hakmem-ceiling`. */
  readonly measuredAs: string;
  /** The module: exports `malloc`, `free` and `realloc`, takes `env.memory`, and uses no address below the arena's end. */
  build(target: LabTarget): Promise<Uint8Array>;
  /** Least memory behind the arena, in bytes, that the module declares to need. */
  minimumBytes(target: LabTarget): number;
}

/** An allocator that is called from JavaScript. */
export interface ScriptPeer extends PeerBase {
  readonly kind: "script";
  /** A fresh heap for up to `bytes` live bytes. */
  open(bytes: number): Promise<ScriptHeap<unknown>>;
}

/** A handle `H` stands for one block: an address or an object. Nothing but the heap looks into it; it is never undefined. */
export interface ScriptHeap<H> {
  allocate(size: number): H;
  release(handle: H): void;
  /** Writes into the first bytes of a block. */
  write(handle: H, value: number): void;
  /** Reads what `write` wrote. */
  read(handle: H): number;
  /** Bytes taken from the system; null where nothing tells. */
  committedBytes(): number | null;
  close(): void;
}

/** A peer that measures itself, for instance as a program of its own. */
export interface ExternalPeer extends PeerBase {
  readonly kind: "external";
  readonly targets: readonly LabTarget[];
  measure(request: SampleRequest): Promise<Sample>;
}

export type Peer = WasmPeer | ScriptPeer | ExternalPeer;

/** `hakmem`, `hakmem:compact`: how a peer is called where one word must do. */
export function labelOf(peer: Pick<PeerBase, "name" | "profile">): string {
  return peer.profile === null || peer.profile === "default" ? peer.name : `${peer.name}:${peer.profile}`;
}

export function targetsOf(peer: Peer): readonly LabTarget[] {
  return peer.kind === "script" ? ["js"] : peer.targets;
}
