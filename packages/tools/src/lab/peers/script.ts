/** What JavaScript programs use today: objects of the engine itself, and the one well-known allocator written in TypeScript. */

import type { MemPool } from "@thi.ng/malloc";
import type { ScriptHeap, ScriptPeer } from "./peer.js";

/** An object for every block; freeing is forgetting. */
class ObjectHeap<H extends { [index: number]: number }> implements ScriptHeap<H> {
  constructor(readonly allocate: (size: number) => H) {}

  release(): void {}

  write(handle: H, value: number): void {
    handle[0] = value;
  }

  read(handle: H): number {
    return handle[0] ?? 0;
  }

  committedBytes(): null {
    return null;
  }

  close(): void {}
}

function objects(name: string, description: string, allocate: (size: number) => Uint8Array): ScriptPeer {
  return {
    kind: "script",
    name,
    profile: null,
    description,
    keepsContents: true,
    missing: () => Promise.resolve(undefined),
    open: () => Promise.resolve(new ObjectHeap(allocate)),
  };
}

export const BUFFER_PEER = objects("buffer", "Buffer.allocUnsafe", (size) => Buffer.allocUnsafe(size));
export const UINT8ARRAY_PEER = objects("uint8array", "new Uint8Array", (size) => new Uint8Array(size));
export const SHAREDARRAYBUFFER_PEER = objects(
  "sharedarraybuffer",
  "new SharedArrayBuffer and a view of it",
  (size) => new Uint8Array(new SharedArrayBuffer(size)),
);

class Pool implements ScriptHeap<number> {
  private readonly bytes: Uint8Array;

  constructor(private readonly pool: MemPool) {
    this.bytes = new Uint8Array(pool.buf);
  }

  allocate(size: number): number {
    const address = this.pool.malloc(size);
    if (address === 0) throw new Error(`malloc(${size}) returned 0`);
    return address;
  }

  release(handle: number): void {
    this.pool.free(handle);
  }

  write(handle: number, value: number): void {
    this.bytes[handle] = value;
  }

  read(handle: number): number {
    return this.bytes[handle] ?? 0;
  }

  /** Its pool is as large as it was made: how much of it was ever in use is not told. */
  committedBytes(): null {
    return null;
  }

  close(): void {
    this.pool.release();
  }
}

export const THI_NG_PEER: ScriptPeer = {
  kind: "script",
  name: "thi.ng",
  profile: null,
  description: "@thi.ng/malloc, the allocator of thi.ng/umbrella",
  keepsContents: true,
  async missing() {
    try {
      await import("@thi.ng/malloc");
      return undefined;
    } catch {
      return "install the package: npm install @thi.ng/malloc";
    }
  },
  async open(bytes) {
    const { MemPool } = await import("@thi.ng/malloc");
    // It cannot grow: room for twice what will be live.
    return new Pool(new MemPool({ size: 2 * bytes + 65_536 }));
  },
};
