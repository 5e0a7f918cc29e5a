/** AssemblyScript's own allocator, two-level segregated fit; compile with its `minimal` runtime. */

export function malloc(size: usize): usize {
  return __alloc(size);
}

export function free(block: usize): void {
  __free(block);
}

export function realloc(block: usize, size: usize): usize {
  return __realloc(block, size);
}
