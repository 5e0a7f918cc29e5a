/* A library to load in front of an allocator: its malloc hands the same block out twice, once in a while. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define EVERY 10000

static __thread unsigned calls;
/* The block that the call before this one returned, while it is live; only before one in EVERY calls. */
static __thread void *last;
static __thread size_t last_size;

static void *next_of(const char *name) {
  return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t size) {
  static void *(*next)(size_t);
  if (!next) next = (void *(*)(size_t))next_of("malloc");
  if (++calls % EVERY == 0 && last && size <= last_size) return last;
  void *block = next(size);
  if (calls % EVERY == EVERY - 1) {
    last = block;
    last_size = size;
  }
  return block;
}

void free(void *block) {
  static void (*next)(void *);
  if (!next) next = (void (*)(void *))next_of("free");
  if (block == last) last = NULL;
  next(block);
}

void *realloc(void *block, size_t size) {
  static void *(*next)(void *, size_t);
  if (!next) next = (void *(*)(void *, size_t))next_of("realloc");
  if (block == last) last = NULL;
  return next(block, size);
}
