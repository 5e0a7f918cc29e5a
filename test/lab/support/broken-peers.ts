import binaryen from "binaryen";
import { NULL_PEER } from "../../../packages/tools/src/lab/peers/null.js";
import type { WasmPeer } from "../../../packages/tools/src/lab/peers/peer.js";

/** A peer that is measured like the null allocator, but claims to keep contents. */
function impostor(name: string, build: WasmPeer["build"]): WasmPeer {
  return { ...NULL_PEER, name, keepsContents: true, build };
}

function allocator(malloc: string): () => Promise<Uint8Array> {
  return () => {
    const module = binaryen.parseText(`(module
      (import "env" "memory" (memory 0))
      (func (export "null_begin") (param i32 i32))
      (func (export "malloc") (param i32) (result i32) ${malloc})
      (func (export "free") (param i32))
      (func (export "realloc") (param i32 i32) (result i32) (unreachable)))`);
    try {
      return Promise.resolve(module.emitBinary());
    } finally {
      module.dispose();
    }
  };
}

export const CRASHING = impostor("crashing", allocator("(unreachable)"));
export const EXHAUSTED = impostor("exhausted", allocator("(i32.const 0)"));
export const HANGING = impostor("hanging", allocator("(loop $again (br $again)) (unreachable)"));
export const UNBUILDABLE = impostor("unbuildable", () => Promise.reject(new Error("no compiler here")));
/** Every block is the same memory. */
export const OVERLAPPING = impostor("overlapping", allocator("(i32.const 4194304)"));
