/**
 * The platform of C programs: what the allocator asks of Linux (native/linux.h), or of a program that is linked for WebAssembly
 * (native/webassembly.h). Every function here is a static inline one in C, so it costs what its body costs.
 *
 * Addresses are real pointers. Every mutable global of the allocator becomes a thread-local variable that starts with its
 * constant initialiser, but for those that all threads have in common (packages/tools/src/build/native-source.ts).
 */

/** This thread's heap. Starts as `empty()` on every thread, so no load through it needs a null test. */
// @ts-ignore: decorator
@external("platform", "heap")
export declare function heap(): usize;

/** Makes `address` this thread's heap; pass `empty()` when the thread leaves. */
// @ts-ignore: decorator
@external("platform", "setHeap")
export declare function setHeap(address: usize): void;

/**
 * The region map, one byte per page, one load. On Linux process-wide: it starts as a map in which only address 0 may be looked up
 * (class 0), so `free(null)` is safe before the first malloc, and the library's constructor makes the heap, so other pointers are
 * safe from then on. In linked programs the thread's own, and 0 until the thread has seen the heap.
 */
// @ts-ignore: decorator
@external("platform", "regions")
export declare function regions(): usize;

/** Makes `address` this thread's heap in one instruction, which no signal handler can divide; returns what was its heap. */
// @ts-ignore: decorator
@external("platform", "exchangeHeap")
export declare function exchangeHeap(address: usize): usize;

/** The heap of this thread's innermost operation that has not ended; 0 when there is none. Thread-local. */
// @ts-ignore: decorator
@external("platform", "working")
export declare function working(): usize;

// @ts-ignore: decorator
@external("platform", "setWorking")
export declare function setWorking(address: usize): void;

/** Sets `working` if it is `expected`, in one instruction, which no signal handler can divide; true when it was. */
// @ts-ignore: decorator
@external("platform", "replaceWorking")
export declare function replaceWorking(expected: usize, address: usize): bool;

/** Publishes the region map to all threads. Every caller must pass the same map. */
// @ts-ignore: decorator
@external("platform", "setRegions")
export declare function setRegions(address: usize): void;

/**
 * Address of a read-only, zero-filled block of 8 KiB: the heap of a thread that has none yet.
 * Every free list in it is empty and every limit 0; a store to it is a crash, so
 * `free` must compare the count with the limit before it writes.
 */
// @ts-ignore: decorator
@external("platform", "empty")
export declare function empty(): usize;

/**
 * Commits the next `bytes` (a multiple of 64 KiB): zero-filled, 64 KiB-aligned, adjacent to the call before where possible. Any
 * thread, lock-free.
 * @param spare less would do: not to be had by asking the system for what it may end the program for
 * @returns the address, or all ones when the system or HAKMEM_LIMIT refuses
 */
// @ts-ignore: decorator
@external("platform", "grow")
export declare function grow(bytes: usize, spare: bool): usize;

/**
 * The page, of 2^shift bytes, that the next `grow` starts with if no other thread grows first and the
 * arena has room. A hint for adjacency only.
 */
// @ts-ignore: decorator
@external("platform", "endPage")
export declare function endPage(shift: usize): usize;

/** True when `grow` of so many bytes would continue at `endPage`, if no other thread grows first. */
// @ts-ignore: decorator
@external("platform", "continues")
export declare function continues(bytes: usize): bool;

/** Not virtual: makes the engine read the memory's size anew, as wasm.ts has it. */
// @ts-ignore: decorator
@external("platform", "renew")
export declare function renew(): usize;

/** Virtual: reserves a sparse, zero-filled table of `bytes`; pages cost memory once written. 0 when refused. */
// @ts-ignore: decorator
@external("platform", "table")
export declare function table(bytes: usize): usize;

/** A random word from the system; no entropy but that of its own addresses where the system refuses. */
// @ts-ignore: decorator
@external("platform", "random")
export declare function random(): usize;

/** Virtual: gives whole pages back to the system. True when they now read as zero, false when nothing happened. */
// @ts-ignore: decorator
@external("platform", "purge")
export declare function purge(address: usize, bytes: usize): bool;

/**
 * Keeps the compiler from moving stores across: whoever takes over what a signal handler's jump or a fork left in the
 * middle sees them in the order of the program. No instruction.
 */
// @ts-ignore: decorator
@external("platform", "order")
export declare function order(): void;

/** Adds 1 to the 32-bit number at `address`, which other threads only read. One instruction, where there is one. */
// @ts-ignore: decorator
@external("platform", "increment")
export declare function increment(address: usize): void;

/** Lets other threads run. */
// @ts-ignore: decorator
@external("platform", "rest")
export declare function rest(): void;

/** Where the calling function's frame lies on the stack, to be kept for `ended`. */
// @ts-ignore: decorator
@external("platform", "frame")
export declare function frame(): usize;

/**
 * True when a function of this thread whose frame lay at `frame` has certainly ended: a signal handler that interrupted
 * it would stand further down the stack than this call does. False also on an alternate signal stack.
 */
// @ts-ignore: decorator
@external("platform", "ended")
export declare function ended(frame: usize): bool;

/** Nanoseconds of a clock that never goes back; builds with statistics alone. */
// @ts-ignore: decorator
@external("platform", "nanoseconds")
export declare function nanoseconds(): u64;

/** Virtual: milliseconds of a clock that only goes forward; precise to about 4 ms, a few ns a call. */
// @ts-ignore: decorator
@external("platform", "now")
export declare function now(): u64;

/** The process-wide control block, 0 before the first `publish`. */
// @ts-ignore: decorator
@external("platform", "control")
export declare function control(): usize;

/**
 * Makes `address` the process's control block unless another thread was first.
 * Returns the winner's address.
 */
// @ts-ignore: decorator
@external("platform", "publish")
export declare function publish(address: usize): usize;

/**
 * Call at the end of thread_init on every thread: from now on the thread's end runs thread_exit.
 * `id` is its thread_id. Does not allocate.
 */
// @ts-ignore: decorator
@external("platform", "started")
export declare function started(id: u32): void;

/** `free` or `realloc` was given a pointer no heap of ours owns: reported once when HAKMEM_VERBOSE=1. */
// @ts-ignore: decorator
@external("platform", "foreign")
export declare function foreign(pointer: usize): void;

/**
 * What the operator set, or the profile's value: what 0 superslabs retained (HAKMEM_RETAIN_COUNT),
 * 1 bytes retained (HAKMEM_RETAIN_BYTES), 2 milliseconds retained (HAKMEM_PURGE_DELAY).
 */
// @ts-ignore: decorator
@external("platform", "setting")
export declare function setting(what: i32, otherwise: usize): usize;

/**
 * Memory is kept that should go back some time: where there is a thread to look after it, it calls `purge_look` every `purge_pause` ms from
 * then on, as long as that says so. Any thread.
 */
// @ts-ignore: decorator
@external("platform", "watch")
export declare function watch(): void;

/** Writes a message to standard error and aborts; wasm.ts says what the arguments are. */
// @ts-ignore: decorator
@external("platform", "fail")
export declare function fail(code: u32, block: usize, size: usize, at: usize, value: u32): void;

/** Tells the program why it gets no block, by errno; returns 0. */
// @ts-ignore: decorator
@external("platform", "outOfMemory")
export declare function outOfMemory(): usize;
