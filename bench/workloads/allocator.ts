/**
 * The allocator under test. These three functions are all that a workload needs from outside, so that the same source can be
 * merged with any peer: linked in WebAssembly by `wasm-merge`, or compiled to C and bound to a system allocator.
 */

// @ts-ignore: decorator
@external("allocator", "malloc")
export declare function malloc(size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "free")
export declare function free(block: usize): void;

// @ts-ignore: decorator
@external("allocator", "realloc")
export declare function realloc(block: usize, size: usize): usize;
