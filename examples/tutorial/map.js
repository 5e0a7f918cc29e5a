/**
 * A map from words to counts that any number of workers write to at once. It is one block of the heap: a table of slots, each the
 * address of an entry or 0. An entry never moves and never goes, so that whoever finds its address may use it.
 *
 * entry: count (4 bytes), length of the word in bytes (4 bytes), the word in UTF-8
 */
const SLOTS = 4096;
const encoder = new TextEncoder();

/** Makes an empty map and returns its address. */
export function makeMap(heap) {
  return heap.calloc(SLOTS, 4);
}

/** Counts `word` once more. */
export function count(heap, map, word) {
  const bytes = encoder.encode(word);
  let slot = hash(bytes) % SLOTS;
  let own = 0; // the entry that this thread made, if it needed one
  for (;;) {
    const entry = Atomics.load(heap.u32, map / 4 + slot);
    if (entry === 0) {
      own ||= makeEntry(heap, bytes);
      // Who exchanges the 0 for an address has the slot; everybody else sees that address from then on.
      if (Atomics.compareExchange(heap.u32, map / 4 + slot, 0, own) === 0) return;
    } else if (holds(heap, entry, bytes)) {
      Atomics.add(heap.u32, entry / 4, 1);
      if (own !== 0) heap.free(own); // another worker was faster
      return;
    } else {
      slot = (slot + 1) % SLOTS;
    }
  }
}

/** All words and their counts. */
export function* entries(heap, map) {
  for (let slot = 0; slot < SLOTS; slot++) {
    const entry = Atomics.load(heap.u32, map / 4 + slot);
    if (entry === 0) continue;
    const length = heap.u32[entry / 4 + 1];
    yield [heap.readString(entry + 8, length), Atomics.load(heap.u32, entry / 4)];
  }
}

/** Frees the map with all that is in it. No other thread may use it then. */
export function freeMap(heap, map) {
  for (let slot = 0; slot < SLOTS; slot++) heap.free(heap.u32[map / 4 + slot]);
  heap.free(map);
}

function makeEntry(heap, bytes) {
  const entry = heap.malloc(8 + bytes.length);
  if (entry === 0) throw new Error("the heap is full");
  heap.u32[entry / 4] = 1;
  heap.u32[entry / 4 + 1] = bytes.length;
  heap.u8.set(bytes, entry + 8);
  return entry;
}

function holds(heap, entry, bytes) {
  if (heap.u32[entry / 4 + 1] !== bytes.length) return false;
  const { u8 } = heap;
  return bytes.every((byte, index) => u8[entry + 8 + index] === byte);
}

/** FNV-1a. */
function hash(bytes) {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
