/** hakmem as JavaScript programs use it: through the public library. */

import type { createHeap } from "hakmem";
import type { ScriptHeap, ScriptPeer } from "./peer.js";

type Heap = Awaited<ReturnType<typeof createHeap>>;

export function libraryPeer(profile: string): ScriptPeer {
  return {
    kind: "script",
    name: "hakmem",
    profile,
    description: `the library's heap, profile ${profile}`,
    keepsContents: true,
    missing: () => Promise.resolve(undefined),
    async open() {
      const library = await import("hakmem");
      return new LibraryHeap(await library.createHeap({ profile }));
    },
  };
}

class LibraryHeap implements ScriptHeap<number> {
  /** Kept by the caller, as a loop that cares about speed does; growth detaches it, which its length shows. */
  private bytes: Uint8Array;

  constructor(private readonly heap: Heap) {
    this.bytes = heap.u8;
  }

  allocate(size: number): number {
    const address = this.heap.malloc(size);
    if (address === 0) throw new Error(`malloc(${size}) returned 0`);
    return address;
  }

  release(handle: number): void {
    this.heap.free(handle);
  }

  write(handle: number, value: number): void {
    this.current()[handle] = value;
  }

  read(handle: number): number {
    return this.current()[handle] ?? 0;
  }

  private current(): Uint8Array {
    if (this.bytes.length === 0) this.bytes = this.heap.u8;
    return this.bytes;
  }

  committedBytes(): number {
    return this.heap.memory.buffer.byteLength;
  }

  close(): void {
    this.heap.close();
  }
}
