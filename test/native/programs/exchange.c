/* Threads that hand blocks of all sizes to each other, resize and free them, look at figures, trim, end, and are followed
 * by others. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "check.h"
#include "hakmem.h"

#define MOST_THREADS 16
#define PLACES 512
#define LIFE 3000 /* operations until a thread makes way for another */

/* What a place holds. */
struct held { unsigned char *block; size_t size; unsigned char fill; };
static struct held *_Atomic places[PLACES];
static atomic_long operations_left, blocks_made;

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
  return *state;
}

/* Of long blocks only some bytes are written, so that a run spends its time in the allocator. */
static inline size_t following(size_t i) { return i < 4096 ? i + 1 : i + 4093; }

static void check_bytes(const unsigned char *block, size_t size, unsigned char byte) {
  for (size_t i = 0; i < size; i = following(i)) CHECK(block[i] == byte);
}

static void write_bytes(unsigned char *block, size_t size, unsigned char byte) {
  for (size_t i = 0; i < size; i = following(i)) block[i] = byte;
  if (size) block[size - 1] = byte;
}

static size_t random_size(uint64_t r) {
  unsigned kind = (unsigned)(r >> 40) % 100;
  size_t most = kind < 60 ? 600 : kind < 85 ? 20000 : kind < 97 ? 400000 : 3000000;
  return (size_t)((r >> 8) % most);
}

static struct held *make(uint64_t r) {
  struct held *held = malloc(sizeof *held);
  if (!held) return NULL;
  size_t size = random_size(r), align = 16;
  switch (r % 8) {
    case 0: held->block = calloc(1, size); if (held->block) check_bytes(held->block, size, 0); break;
    case 1: held->block = aligned_alloc(align = (size_t)8 << r / 8 % 14, size); break;
    case 2: {
      unsigned char *half = malloc(size / 2);
      held->block = realloc(half, size ? size : 1);
      if (!held->block) free(half);
      break;
    }
    default: held->block = malloc(size);
  }
  if (!held->block) return free(held), NULL;
  CHECK((uintptr_t)held->block % align == 0 && malloc_usable_size(held->block) >= size);
  held->size = size, held->fill = (unsigned char)(r >> 16);
  write_bytes(held->block, size, held->fill);
  atomic_fetch_add_explicit(&blocks_made, 1, memory_order_relaxed);
  return held;
}

static void drop(struct held *held) {
  if (!held) return;
  check_bytes(held->block, held->size, held->fill);
  CHECK(!held->size || held->block[held->size - 1] == held->fill);
  free(held->block);
  free(held);
}

static void resize(struct held *held, uint64_t r) {
  size_t size = random_size(r) + 1;
  unsigned char *moved = realloc(held->block, size);
  if (!moved) return;
  check_bytes(moved, held->size < size ? held->size : size, held->fill);
  held->block = moved, held->size = size, held->fill ^= 0xff;
  write_bytes(moved, size, held->fill);
}

static void step(uint64_t r) {
  struct held *_Atomic *place = &places[(r >> 20) % PLACES];
  unsigned what = (unsigned)(r % 1000);
  if (what < 2) malloc_trim(0);
  else if (what < 4) for (int i = 0; i <= HAKMEM_METADATA; i++) (void)hakmem_stat((enum hakmem_stat)i);
  else if (what < 6) (void)hakmem_prewarm((size_t)(r >> 30) % 3000, 40);
  else if (what < 200) {
    struct held *held = atomic_exchange(place, NULL);
    if (held) resize(held, r >> 7), drop(atomic_exchange(place, held));
  } else drop(atomic_exchange(place, what < 650 ? make(r >> 10) : NULL));
}

static void *live(void *seed) {
  uint64_t state = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15;
  for (int i = 0; i < LIFE && atomic_fetch_sub(&operations_left, 1) > 0; i++) step(next_random(&state));
  return NULL;
}

/* One of those that live side by side. */
static void *generations(void *seed) {
  for (uintptr_t n = 0; atomic_load(&operations_left) > 0; n++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, live, (void *)((uintptr_t)seed * 100000 + n)) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  return NULL;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 2;
  atomic_store(&operations_left, count > 2 ? atol(arguments[2]) : 100000);
  CHECK(threads > 0 && threads <= MOST_THREADS);
  size_t before = hakmem_stat(HAKMEM_LIVE);
  pthread_t thread[MOST_THREADS];
  for (int i = 0; i < threads; i++) CHECK(pthread_create(&thread[i], NULL, generations, (void *)(uintptr_t)(i + 1)) == 0);
  for (int i = 0; i < threads; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  for (int i = 0; i < PLACES; i++) drop(atomic_exchange(&places[i], NULL));
  malloc_trim(0);
  CHECK(hakmem_stat(HAKMEM_LIVE) == before);
  CHECK(blocks_made > 0);
  puts("done");
  return 0;
}
