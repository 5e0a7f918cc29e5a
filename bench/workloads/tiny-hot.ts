/** One block at a time: `malloc`, touch, `free`. One step is one such pair, two operations. */

import { free, malloc } from "./allocator";
import { checksum, mark, mix, read, setChecksum, setLive } from "./ledger";

let blockSize: u32 = 0;

/** Blocks of `size` bytes. */
export function tiny_hot_begin(size: i32, _1: i32, _2: i32, _3: i32): void {
  blockSize = size;
  setLive(0, size);
}

export function tiny_hot_run(steps: i32): i32 {
  let sum = checksum;
  const size = blockSize;
  for (let i = 0; i < steps; ++i) {
    const block = malloc(size);
    mark(block, size);
    sum = mix(sum, read(block));
    free(block);
  }
  setChecksum(sum);
  return steps << 1;
}
