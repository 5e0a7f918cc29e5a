/** Memory that a heap takes before it is needed. */

import { OutOfMemoryError } from "../errors.js";
import { WASM_PAGE } from "./options.js";
import type { Allocator } from "./raw-module.js";
import { committedBytes, freeBytes } from "./stats.js";

/** Makes the heap take `bytes` from its memory in all, or as many as there are. */
export function commit(allocator: Allocator, bytes: number): void {
  occupy(allocator, () => bytes - committedBytes(allocator));
}

/**
 * Makes sure that `bytes` are free.
 * @throws {OutOfMemoryError} when there are not so many
 */
export function reserve(allocator: Allocator, bytes: number): void {
  const pages = Math.ceil(bytes / WASM_PAGE) * WASM_PAGE;
  const missing = occupy(allocator, (held) => pages - held - freeBytes(allocator));
  if (missing <= 0) return;
  throw new OutOfMemoryError({
    problem: `the heap cannot reserve ${bytes} bytes (${missing} are missing)`,
    remedy: "Free blocks, reserve less, or create the heap with a larger maximum.",
    argument: "bytes",
    value: bytes,
  });
}

/**
 * Allocates for a moment, in as few blocks as there is room for, until nothing is missing. What the checks of a guard
 * build hold of it, and of all else that was freed, goes back as well.
 * @param missing how many bytes are, when so many are held
 * @returns how many are still
 */
function occupy(allocator: Allocator, missing: (held: number) => number): number {
  const blocks: number[] = [];
  let held = 0;
  for (let size = missing(held); size > 0;) {
    // Shorter ones may lie in pages that are taken already.
    const block = allocator.malloc(Math.max(size, WASM_PAGE));
    if (block === 0) {
      if (size <= WASM_PAGE) break;
      size = Math.floor(size / 2);
    } else {
      blocks.push(block);
      held += allocator.usableSize(block);
      size = Math.min(size, missing(held));
    }
  }
  const rest = missing(held);
  for (const block of blocks) allocator.free(block);
  if (blocks.length > 0) allocator.release();
  return rest;
}
