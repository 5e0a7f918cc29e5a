/** The allocator under test, all of it that a program may call; the host starts and ends threads. */

// @ts-ignore: decorator
@external("allocator", "malloc")
export declare function malloc(size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "calloc")
export declare function calloc(count: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "realloc")
export declare function realloc(block: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "reallocarray")
export declare function reallocarray(block: usize, count: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "memalign")
export declare function memalign(align: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "aligned_alloc")
export declare function aligned_alloc(align: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "posix_memalign")
export declare function posix_memalign(out: usize, align: usize, size: usize): i32;

// @ts-ignore: decorator
@external("allocator", "free")
export declare function free(block: usize): void;

// @ts-ignore: decorator
@external("allocator", "free_sized")
export declare function free_sized(block: usize, size: usize): void;

// @ts-ignore: decorator
@external("allocator", "free_aligned_sized")
export declare function free_aligned_sized(block: usize, align: usize, size: usize): void;

// @ts-ignore: decorator
@external("allocator", "malloc_usable_size")
export declare function malloc_usable_size(block: usize): usize;

// @ts-ignore: decorator
@external("allocator", "malloc_trim")
export declare function malloc_trim(pad: usize): i32;

// @ts-ignore: decorator
@external("allocator", "malloc_prewarm")
export declare function malloc_prewarm(size: usize, count: usize): usize;

// @ts-ignore: decorator
@external("allocator", "heap_stat")
export declare function heap_stat(what: u32): usize;
