/*
 * Threads that have worked and wait, as those of a server do: as many as the first argument says. Each fills and empties a working set of its
 * own, frees all of it, and stays until all are there; a quarter of them each has blocks of up to 256 bytes, 1 KiB, 8 KiB and 32 KiB. Then the
 * first thread alone takes as many MiB as the second argument says, in blocks of 1 KiB: from what the others have left, or from the system.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { unsigned slots, most; } SETS[] = {{800, 256}, {400, 1024}, {100, 8192}, {50, 32768}};
static const unsigned STEPS = 20000;
static pthread_barrier_t barrier;

static unsigned fill(unsigned number) {
  const unsigned slots = SETS[number % 4].slots, most = SETS[number % 4].most;
  uint32_t seed = number * 2654435761u + 1, sum = 0;
  char **blocks = calloc(slots, sizeof *blocks);
  if (!blocks) abort();
  for (unsigned step = 0; step < STEPS; step++) {
    seed = seed * 1664525 + 1013904223;
    const unsigned slot = (seed >> 8) % slots;
    if (blocks[slot]) {
      sum += (unsigned char)*blocks[slot];
      free(blocks[slot]);
      blocks[slot] = NULL;
    } else {
      const size_t size = 1 + (seed >> 16) % most;
      if (!(blocks[slot] = malloc(size))) abort();
      memset(blocks[slot], (int)(step & 63), size);
    }
  }
  for (unsigned slot = 0; slot < slots; slot++) free(blocks[slot]);
  free(blocks);
  return sum;
}

static void *work(void *argument) {
  const uintptr_t sum = fill((unsigned)(uintptr_t)argument);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return (void *)sum;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  const unsigned threads = (unsigned)atoi(arguments[1]), blocks = (unsigned)atoi(arguments[2]) << 10;
  pthread_t *others = calloc(threads, sizeof *others);
  if (!others || pthread_barrier_init(&barrier, NULL, threads + 1)) return 1;
  for (uintptr_t n = 0; n < threads; n++)
    if (pthread_create(&others[n], NULL, work, (void *)n)) return 1;
  pthread_barrier_wait(&barrier);
  for (unsigned n = 0; n < blocks; n++) {
    char *block = malloc(1024);
    if (!block) return 1;
    memset(block, 1, 1024);
  }
  pthread_barrier_wait(&barrier);
  uintptr_t sum = 0;
  for (unsigned n = 0; n < threads; n++) {
    void *result;
    if (pthread_join(others[n], &result)) return 1;
    sum += (uintptr_t)result;
  }
  printf("%lu\n", (unsigned long)sum);
  return 0;
}
