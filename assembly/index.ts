/**
 * What a module exports: the C names, for linking, and what a host needs.
 *
 * The layers below, from the bottom up:
 *
 *   config, platform, atomic, failure     constants and what is under us
 *   size-class, free-list, bin            arithmetic; links of free blocks; the fast paths' memory
 *   view, control, region                 what an instance can see; the root; address → kind
 *   pool                                  who owns a page
 *   superslab, large                      metadata; runs of granules and pages
 *   retention                             what goes back to the platform
 *   thread, slab, remote                  a thread's heap; blocks of one class; blocks on their way home
 *   thread-cache                          refill and overflow
 *   lifecycle, malloc                     threads come and go; the family
 *   inspect, host                         figures; what a host needs beside the family
 *   guard/                                guard builds: checks in front of the family
 */

export {
  aligned_alloc,
  calloc,
  free,
  free_aligned_sized,
  free_sized,
  malloc,
  mallocCached as malloc_cached,
  malloc_usable_size,
  memalign,
  posix_memalign,
  realloc,
  reallocarray,
} from "./malloc";
export * from "./host";
