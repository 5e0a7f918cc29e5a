// @ts-check
/**
 * A hash map from strings to counters that any number of workers change at once, without a lock.
 *
 *   table ─► ┌────────┐      node (one block of the heap)
 *            │ node ──┼────► ┌──────┬──────┬───────┬────────┬──────────────┐
 *            ├────────┤      │ next │ hash │ count │ length │ key in UTF-8 │
 *            │   0    │      └──┬───┴──────┴───────┴────────┴──────────────┘
 *            └────────┘         └─► next node of the bucket, or 0
 *
 * A node is written before it is linked and its key never changes, so readers need no more than an atomic load of what leads
 * to it. Counting is an atomic addition. Linking is a compare-and-swap on the bucket; the loser looks again, because the
 * winner may have linked the same key, and then frees its own node.
 */

/* global TextDecoder */
/** @import { Heap } from 'hakmem' */

const NEXT = 0;
const HASH = 1;
const COUNT = 2;
const LENGTH = 3;
const HEADER_BYTES = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SharedMap {
  /**
   * @param {Heap} heap this thread's heap
   * @param {number} table address of the buckets
   * @param {number} buckets how many there are, a power of two
   */
  constructor(heap, table, buckets) {
    this.heap = heap;
    this.table = table;
    this.buckets = buckets;
  }

  /**
   * @param {Heap} heap
   * @param {number} buckets about as many as there will be keys; rounded up to a power of two
   */
  static create(heap, buckets) {
    const size = 2 ** Math.ceil(Math.log2(buckets));
    return new SharedMap(heap, heap.pointerOf(heap.alloc(Uint32Array, size)), size);
  }

  /** Adds `amount` to the counter of `key`, which begins at 0. @param {string} key @param {number} amount */
  add(key, amount = 1) {
    const bytes = encoder.encode(key);
    const hash = fnv1a(bytes);
    const bucket = (this.table >>> 2) + (hash & (this.buckets - 1));
    let mine = 0;
    let searched = 0;
    for (;;) {
      const head = Atomics.load(this.heap.u32, bucket);
      const found = this.#find(head, searched, hash, bytes);
      if (found !== 0) {
        Atomics.add(this.heap.u32, (found >>> 2) + COUNT, amount);
        this.heap.free(mine);
        return;
      }
      searched = head;
      if (mine === 0) mine = this.#makeNode(hash, bytes, amount);
      const { u32 } = this.heap;
      u32[(mine >>> 2) + NEXT] = head;
      if (Atomics.compareExchange(u32, bucket, head, mine) === head) return;
    }
  }

  /** @param {string} key */
  get(key) {
    const bytes = encoder.encode(key);
    const hash = fnv1a(bytes);
    const head = Atomics.load(this.heap.u32, (this.table >>> 2) + (hash & (this.buckets - 1)));
    const node = this.#find(head, 0, hash, bytes);
    return node === 0 ? 0 : Atomics.load(this.heap.u32, (node >>> 2) + COUNT);
  }

  /** Keys and counters, in no particular order. @returns {Generator<[string, number]>} */
  *entries() {
    for (const node of this.#nodes()) {
      const { u32, u8 } = this.heap;
      const field = node >>> 2;
      const start = node + HEADER_BYTES;
      yield [decoder.decode(u8.slice(start, start + u32[field + LENGTH])), Atomics.load(u32, field + COUNT)];
    }
  }

  /** Frees the map and all of its nodes, whichever workers made them. No worker may use it any more. */
  free() {
    for (const node of [...this.#nodes()]) this.heap.free(node);
    this.heap.free(this.table);
  }

  *#nodes() {
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      let node = Atomics.load(this.heap.u32, (this.table >>> 2) + bucket);
      while (node !== 0) {
        yield node;
        node = this.heap.u32[(node >>> 2) + NEXT];
      }
    }
  }

  /**
   * The node of a key from `head` up to but not including `end`; 0 if there is none.
   * @param {number} head @param {number} end @param {number} hash @param {Uint8Array} key
   */
  #find(head, end, hash, key) {
    const { u32, u8 } = this.heap;
    for (let node = head; node !== end; node = u32[(node >>> 2) + NEXT]) {
      const field = node >>> 2;
      if (
        u32[field + HASH] === hash &&
        u32[field + LENGTH] === key.length &&
        startsWith(u8, node + HEADER_BYTES, key)
      ) {
        return node;
      }
    }
    return 0;
  }

  /** @param {number} hash @param {Uint8Array} key @param {number} count */
  #makeNode(hash, key, count) {
    const node = this.heap.malloc(HEADER_BYTES + key.length);
    if (node === 0) throw new Error("the heap is exhausted");
    const { u32, u8 } = this.heap;
    const field = node >>> 2;
    u32[field + HASH] = hash;
    u32[field + COUNT] = count;
    u32[field + LENGTH] = key.length;
    u8.set(key, node + HEADER_BYTES);
    return node;
  }
}

/** @param {Uint8Array} memory @param {number} start @param {Uint8Array} bytes */
function startsWith(memory, start, bytes) {
  for (let i = 0; i < bytes.length; i++) {
    if (memory[start + i] !== bytes[i]) return false;
  }
  return true;
}

/** @param {Uint8Array} bytes */
function fnv1a(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
