/* Blocks of every kind, their contents checked; says what the heap has taken. Every function of the family is called. */
#include <errno.h>
#ifdef __EMSCRIPTEN__
#include <malloc.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakmem.h"

int malloc_trim(size_t pad); /* musl and WASI do not declare it, nor the next one */
size_t malloc_usable_size(void *block);

#define SLOTS 600
static unsigned char *blocks[SLOTS];
static size_t sizes[SLOTS];
static unsigned seed = 1;

static unsigned any(unsigned below) {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % below;
}

static void check(int condition, const char *what) {
  if (condition) return;
  printf("wrong: %s\n", what);
  exit(1);
}

static void fill(unsigned n, unsigned char *block, size_t size, size_t align) {
  check(block != NULL, "no memory");
  check((uintptr_t)block % align == 0, "alignment");
  check(malloc_usable_size(block) >= size, "usable size");
  check(hakmem_owns(block), "not of this heap");
  memset(block, (int)n, size);
  blocks[n] = block;
  sizes[n] = size;
}

static void intact(unsigned n, size_t size) {
  for (size_t at = 0; at < size; at += 61) check(blocks[n][at] == (unsigned char)n, "contents");
}

static size_t any_size(void) {
  return any(40) ? any(2000) + 1 : any(300000) + 1;
}

int main(void) {
  size_t before = hakmem_stat(HAKMEM_LIVE); /* a thread's stack, for example */
  for (int step = 0; step < 60000; step++) {
    unsigned n = any(SLOTS), how = any(6);
    size_t size = any_size(), align = (size_t)16 << any(9);
    if (blocks[n] && how == 0) {
      size_t kept = size < sizes[n] ? size : sizes[n];
      unsigned char *moved = realloc(blocks[n], size);
      check(moved != NULL, "no memory");
      blocks[n] = moved;
      intact(n, kept);
      fill(n, moved, size, 16);
    } else if (blocks[n]) {
      intact(n, sizes[n]);
      free(blocks[n]);
      blocks[n] = NULL;
    } else if (how == 0) {
      unsigned char *zero = calloc(size, 1);
      for (size_t at = 0; zero && at < size; at++) check(zero[at] == 0, "calloc");
      fill(n, zero, size, 16);
    } else if (how == 1) {
      fill(n, aligned_alloc(align, size), size, align);
    } else if (how == 2) {
      void *out = NULL;
      check(posix_memalign(&out, align, size) == 0, "posix_memalign");
      fill(n, out, size, align);
    } else {
      fill(n, malloc(size), size, 16);
    }
  }
  void *out = NULL;
  volatile size_t most = SIZE_MAX / 2, no_power_of_two = 3;
  check(posix_memalign(&out, no_power_of_two, 10) == EINVAL, "an alignment that is none");
  void *volatile product = calloc(most, 3); /* otherwise compilers know the answer */
  check(product == NULL && errno == ENOMEM, "a product that does not fit");
  for (unsigned n = 0; n < SLOTS; n++) {
    if (blocks[n]) intact(n, sizes[n]);
    free(blocks[n]);
  }
  free(NULL);
  printf("profile %s\n", hakmem_profile());
#ifdef __EMSCRIPTEN__
  check((size_t)mallinfo().arena == hakmem_stat(HAKMEM_COMMITTED), "mallinfo");
#endif
  check(malloc_trim(0) == 1, "malloc_trim");
  check(hakmem_stat(HAKMEM_CACHED) < 4096, "cached after malloc_trim");
  size_t after = hakmem_stat(HAKMEM_LIVE);
  printf("live %zu\n", after < before + 8192 ? (size_t)0 : after - before); /* the C library has buffers */
  return 0;
}
