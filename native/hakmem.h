/* hakmem: what the native library offers beyond the standard malloc family.
 *
 * Linking with libhakmem.so or libhakmem.a, or loading the former with LD_PRELOAD,
 * replaces malloc in the whole program; this header is needed only for the rest.
 * Every function may be called from any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* C23: frees what malloc(size) or aligned_alloc(alignment, size) returned. */
void free_sized(void *pointer, size_t size);
void free_aligned_sized(void *pointer, size_t alignment, size_t size);

enum hakmem_stat {
  HAKMEM_COMMITTED,  /* bytes the heap took from the system, given-back ones included */
  HAKMEM_LIVE,       /* bytes in blocks handed out; exact while other threads are quiet */
  HAKMEM_CACHED,     /* bytes in the caches of threads */
  HAKMEM_THREADS,    /* threads that have a heap */
  HAKMEM_FREE,       /* bytes in free pages */
  HAKMEM_METADATA    /* bytes of the allocator's own */
};

/* A figure of the whole heap. Walks metadata: not for hot code. */
size_t hakmem_stat(enum hakmem_stat what);

enum hakmem_format {
  HAKMEM_JSON,       /* one object, in a line */
  HAKMEM_PROMETHEUS  /* the text that Prometheus collects */
};

/* Writes all figures, of the heap and of each size class, to an open file. A signal handler may call it. Returns 0, or an error number:
 * EINVAL for another format, else the one that write failed with. */
int hakmem_write_stats(int file, enum hakmem_format format);

/* Fills this thread's cache with blocks for `size`, at most `count`. Returns the blocks now cached. */
size_t hakmem_prewarm(size_t size, size_t count);

/* Whether this allocator handed the pointer out (or owns the page it points to): 1 or 0. */
int hakmem_owns(const void *pointer);

/* This thread's number, from 1; 0 before its first block and after its end. */
unsigned hakmem_thread_id(void);

/* Leaves what this thread caches, and its slabs, to the others. Called by itself where threads are POSIX's; for hosts that start
 * and end instances themselves. */
void hakmem_thread_exit(void);

/* The same for a thread that was killed, by its number; 0 for all but the caller's. The caller must be certain that it runs no
 * more. Returns 1, or 0 when there is no such thread. */
int hakmem_thread_reclaim(unsigned id);

/* The profile that the library was built with, for instance "default". */
const char *hakmem_profile(void);

#ifdef __cplusplus
}
#endif
