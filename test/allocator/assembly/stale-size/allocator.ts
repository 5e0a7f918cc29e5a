/** The allocator as another instance. Where it is linked with the program, `packages/tools/src/proof/stale-size/modules.ts` puts it here itself. */

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
@external("allocator", "memalign")
export declare function memalign(align: usize, size: usize): usize;

// @ts-ignore: decorator
@external("allocator", "free")
export declare function free(block: usize): void;

// @ts-ignore: decorator
@external("allocator", "malloc_prewarm")
export declare function malloc_prewarm(size: usize, count: usize): usize;

// @ts-ignore: decorator
@external("allocator", "malloc_trim")
export declare function malloc_trim(pad: usize): i32;

// @ts-ignore: decorator
@external("allocator", "thread_init")
export declare function thread_init(control: usize): usize;

// @ts-ignore: decorator
@external("allocator", "heap_stat")
export declare function heap_stat(what: u32): usize;

// @ts-ignore: decorator
@external("allocator", "heap_check")
declare function check(): void;

/** Only guard builds have it. */
export function heap_check(): void {
  if (HK_GUARD) check();
}
