/**
 * All workloads of several threads, and those of one thread for use on a shared memory, as one module. Every thread has an
 * instance of its own over the one memory.
 */

export * from "./single";
export { arena_shared } from "./arena";
export { barrier_wait } from "./barrier";
export { larson_begin, larson_run } from "./larson";
export { producer_consumer_begin, producer_consumer_run } from "./producer-consumer";
