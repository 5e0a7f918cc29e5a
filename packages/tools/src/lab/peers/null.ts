/** The null allocator: what the driver alone costs. */

import * as path from "node:path";
import { ROOT } from "../../base/paths.js";
import { compiledPeer, PEER_SOURCES } from "./compiled.js";
import type { ScriptHeap, ScriptPeer, WasmContext, WasmPeer } from "./peer.js";
import type { Workload } from "../workloads.js";

const description = "addresses from a ring, no allocator: the driver alone";

export const NULL_PEER: WasmPeer = {
  kind: "wasm",
  name: "null",
  profile: null,
  description,
  keepsContents: false,
  targets: ["wasm32", "wasm32-shared"],
  missing: () => Promise.resolve(undefined),
  measuredAs: "null",
  build: (wanted) => {
    const target = wanted === "wasm32-shared" ? wanted : "wasm32";
    return compiledPeer("null", [target], async () => {
      const { compileAssembly } = await import("../../build/assemblyscript.js");
      return compileAssembly({ entry: path.join(PEER_SOURCES, "null.ts"), root: ROOT, target });
    });
  },
  minimumBytes: () => 0,
  initialBytes: (workload, threads) => threads * strideOf(workload),
  begin({ exports, workload, start, thread }: WasmContext) {
    const begin = exports["null_begin"] as (address: number, bytes: number) => void;
    begin(start + thread * strideOf(workload), workload.ringBytes);
    return 0;
  },
};

/** A ring and room for the block that begins at its last byte; of a recording none is longer than its ring. */
function strideOf({ ringBytes }: Workload): number {
  const LARGEST_BLOCK = 2 ** 21;
  return ringBytes + Math.max(ringBytes, LARGEST_BLOCK);
}

export const NULL_SCRIPT_PEER: ScriptPeer = {
  kind: "script",
  name: "null",
  profile: null,
  description,
  keepsContents: false,
  missing: () => Promise.resolve(undefined),
  open: (bytes) => Promise.resolve(new Ring(bytes)),
};

class Ring implements ScriptHeap<number> {
  private readonly bytes: Uint8Array;
  private cursor = 0;

  constructor(liveBytes: number) {
    this.bytes = new Uint8Array(liveBytes);
  }

  allocate(size: number): number {
    const at = this.cursor;
    this.cursor = (at + size + 15) & ~15 & (this.bytes.length - 1);
    return at;
  }

  release(): void {}

  write(handle: number, value: number): void {
    this.bytes[handle] = value;
  }

  read(handle: number): number {
    return this.bytes[handle] ?? 0;
  }

  committedBytes(): null {
    return null;
  }

  close(): void {}
}
