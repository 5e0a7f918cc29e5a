/* A library to load in front of an allocator: its malloc hands the same block out twice, once in a while. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define EVERY 100000

void *malloc(size_t size) {
  static void *(*next)(size_t);
  static __thread unsigned calls;
  static __thread void *last;
  if (!next) next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
  if (++calls % EVERY == 0 && last) return last;
  void *block = next(size);
  if (calls % EVERY == EVERY - 1) last = block;
  return block;
}
