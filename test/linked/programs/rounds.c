/* Threads that come and go, and free what others have made: their memory must stay what it was, but for SPARE bytes. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakmem.h"

#define SLOTS 200
static char *shared[SLOTS];

static void *work(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  for (int step = 0; step < 2000; step++) {
    seed = seed * 1664525 + 1013904223;
    unsigned n = (seed >> 8) % SLOTS;
    size_t size = (seed >> 16) % 3000 + 2;
    char *mine = malloc(size);
    if (!mine) return (void *)1;
    mine[0] = (char)size;
    mine[size - 1] = (char)size;
    mine[1] = (char)size;
    char *other = __atomic_exchange_n(&shared[n], mine, __ATOMIC_ACQ_REL);
    if (other && other[0] != other[1]) return (void *)2;
    free(other);
  }
  return NULL;
}

int main(void) {
  size_t early = 0;
  pthread_attr_t small; /* stacks are of the heap in WebAssembly, and freed some time after their threads have ended */
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (unsigned round = 0; round < ROUNDS; round++) {
    pthread_t threads[2];
    for (unsigned n = 0; n < 2; n++)
      if (pthread_create(&threads[n], &small, work, (void *)(size_t)(round * 2 + n + 1))) return puts("no thread"), 1;
    for (unsigned n = 0; n < 2; n++) {
      void *result;
      pthread_join(threads[n], &result);
      if (result) return printf("wrong: %zu\n", (size_t)result), 1;
    }
    if (round == ROUNDS / 4) early = hakmem_stat(HAKMEM_COMMITTED);
  }
  size_t late = hakmem_stat(HAKMEM_COMMITTED);
  if (late > early + SPARE) return printf("grew from %zu to %zu\n", early, late), 1;
  puts("done");
  return 0;
}
