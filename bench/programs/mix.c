/*
 * Blocks of 16 to 1,024 bytes at random, freed in another order: as many steps of a malloc and a free as the second argument says, in each
 * of the threads that the first one names. Nothing but the allocator: what it gains here, a program gains in the part of its time that it allocates.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef _REENTRANT
#include <pthread.h>
#endif

#define SLOTS 400

static int steps;

static void *work(void *argument) {
  static const char failed[] = "no memory";
  uint32_t seed = (uint32_t)(uintptr_t)argument, sum = 0;
  char *slots[SLOTS] = {0};
  for (int step = 0; step < steps; step++) {
    seed = seed * 1664525 + 1013904223;
    const uint32_t n = (seed >> 8) % SLOTS;
    if (slots[n]) {
      sum += (uint32_t)*slots[n];
      free(slots[n]);
    }
    if (!(slots[n] = malloc(16 + (seed >> 18) % 1009))) return (void *)failed;
    *slots[n] = (char)(step & 63);
  }
  for (int n = 0; n < SLOTS; n++) free(slots[n]);
  printf("%u\n", sum);
  return NULL;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  const int threads = atoi(arguments[1]);
  steps = atoi(arguments[2]);
#ifdef _REENTRANT
  pthread_t others[64];
  for (int n = 1; n < threads; n++)
    if (pthread_create(&others[n], NULL, work, (void *)1)) return 1;
  if (work((void *)1)) return 1;
  for (int n = 1; n < threads; n++) {
    void *result;
    if (pthread_join(others[n], &result) || result) return 1;
  }
  return 0;
#else
  return threads != 1 || work((void *)1);
#endif
}
