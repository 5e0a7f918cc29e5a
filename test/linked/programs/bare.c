/* No C library: a host calls `test`, in one thread or in many. */
#include <stddef.h>

#include "hakmem.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define SLOTS 300
void *malloc(size_t size), *calloc(size_t count, size_t size);
void free(void *block);

/* 0, or what is wrong. */
EXPORT(test) int test(unsigned steps, unsigned seed) {
  unsigned char **blocks = calloc(SLOTS, sizeof *blocks);
  size_t *sizes = calloc(SLOTS, sizeof *sizes);
  if (!blocks || !sizes) return 3;
  for (unsigned step = 0; step < steps; step++) {
    seed = seed * 1664525 + 1013904223;
    unsigned n = (seed >> 8) % SLOTS;
    if (blocks[n]) {
      if (blocks[n][0] != (unsigned char)n || blocks[n][sizes[n] - 1] != (unsigned char)n) return 1;
      free(blocks[n]);
      blocks[n] = NULL;
    } else {
      sizes[n] = 1 + (seed >> 16) % 5000;
      blocks[n] = malloc(sizes[n]);
      if (!blocks[n]) return 2;
      blocks[n][0] = blocks[n][sizes[n] - 1] = (unsigned char)n;
    }
  }
  for (unsigned n = 0; n < SLOTS; n++) free(blocks[n]);
  free(blocks);
  free(sizes);
  return 0;
}

EXPORT(stat) size_t stat_of(int what) { return hakmem_stat((enum hakmem_stat)what); }
EXPORT(take) void *take(size_t size) { return malloc(size); }
EXPORT(give) void give(void *block) { free(block); }
EXPORT(leave) void leave_heap(void) { hakmem_thread_exit(); }
EXPORT(id) unsigned id(void) { return hakmem_thread_id(); }
EXPORT(reclaim) int reclaim(unsigned thread) { return hakmem_thread_reclaim(thread); }
