/** A linked list of numbers in WebAssembly, whose nodes are blocks of a hakmem heap. */

// The functions of the heap that JavaScript made, by their C names: { env: heap.exports }.
// @ts-ignore: decorator
@external("env", "malloc")
declare function malloc(size: usize): usize;
// @ts-ignore: decorator
@external("env", "free")
declare function free(block: usize): void;

/** Static data of this module's own: it lies below the heap's base. */
const LARGE: StaticArray<f64> = [1e6, 1e9];

@unmanaged
class Node {
  next: Node | null;
  value: f64;
}

/** A list with `value` before `list`; 0 when memory is exhausted, and `list` is as it was. */
export function push(list: Node | null, value: f64): Node | null {
  const node = changetype<Node | null>(malloc(offsetof<Node>()));
  if (!node) return null;
  node.next = list;
  node.value = value;
  return node;
}

export function sum(list: Node | null): f64 {
  let total: f64 = 0;
  while (list) {
    total += list.value;
    list = list.next;
  }
  return total;
}

/** How many values of the list are larger than a million, and than a milliard. */
export function count(list: Node | null, which: i32): i32 {
  let found = 0;
  while (list) {
    if (list.value > LARGE[which]) ++found;
    list = list.next;
  }
  return found;
}

/** Frees all nodes. */
export function clear(list: Node | null): void {
  while (list) {
    const next: Node | null = list.next;
    free(changetype<usize>(list));
    list = next;
  }
}
