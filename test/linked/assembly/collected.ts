/* A program in AssemblyScript that makes objects, keeps some of them and loses the others. */

class Node {
  next: Node | null = null;
  constructor(
    public name: string,
    public weight: f64,
  ) {}
}

const kept = new Map<string, Node>();
const fixed: i32[] = [1, 2, 3];

export function run(rounds: i32): f64 {
  let sum: f64 = 0;
  for (let round = 0; round < rounds; round++) {
    let head: Node | null = null;
    for (let n = 0; n < 100; n++) {
      const node = new Node("node " + n.toString() + " of " + (round % 7).toString(), n);
      node.next = head;
      head = node;
      if (n % 10 == round % 10) kept.set(node.name, node);
      if (n % 25 == 0) kept.delete("node " + n.toString() + " of " + ((round + 3) % 7).toString());
    }
    const list: f64[] = [];
    for (let n = 0; n < 2000; n++) list.push(n);
    const large = new Uint8Array((round % 5) * 100_000 + 1);
    large[large.length - 1] = 7;
    sum += list[1999] + large[large.length - 1] + large[0];
    let at = head;
    while (at !== null) {
      sum += at.name.length * at.weight;
      at = at.next;
    }
  }
  // What was static data grows like any other array.
  fixed.push(rounds);
  const names = kept.keys();
  for (let n = 0; n < names.length; n++) sum += kept.get(names[n]).weight + names[n].length;
  return sum + fixed[3] + fixed.length;
}

/** Arrays of every length, made where others lay that were not: how many of their bytes are not zero. */
export function dirtyBytes(): i32 {
  let dirty = 0;
  for (let length = 1; length < 600; length++) {
    const array = new Uint8Array(length);
    for (let n = 0; n < length; n++) if (array[n]) dirty++;
    array.fill(0xff);
  }
  return dirty;
}

/** Blocks that the program manages itself: whether their contents stay, and they lie right. */
export function manage(): i32 {
  const blocks: usize[] = [];
  for (let n = 0; n < 2000; n++) {
    const block = heap.alloc(n + 1);
    if (block & 15) return 1;
    memory.fill(block, <u8>n, n + 1);
    blocks.push(block);
  }
  for (let n = 0; n < 2000; n += 2) blocks[n] = heap.realloc(blocks[n], n * 3 + 1);
  for (let n = 0; n < 2000; n++) {
    if (load<u8>(blocks[n]) != <u8>n || load<u8>(blocks[n] + n) != <u8>n) return 2;
    heap.free(blocks[n]);
  }
  return 0;
}

/** Keeps what it makes until memory is refused. */
export function exhaust(): void {
  const all: Uint8Array[] = [];
  while (true) all.push(new Uint8Array(1_000_000));
}
