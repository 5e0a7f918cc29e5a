/* Threads that only free what another allocates, one block at a time. Prints the KiB that the heap has taken, and the peak of the
 * resident set.  consumers THREADS BLOCKS SIZE */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include "../../../native/resident.h"
#include "check.h"
#include "hakmem.h"
#pragma weak hakmem_stat

static sem_t go[256], done;
static void *volatile slot[256];

static void *consume(void *number) {
  for (uintptr_t k = (uintptr_t)number;;) {
    while (sem_wait(&go[k])) {}
    if (!slot[k]) return NULL;
    free(slot[k]);
    sem_post(&done);
  }
}

int main(int count, char **arguments) {
  CHECK(count == 4);
  int threads = atoi(arguments[1]), blocks = atoi(arguments[2]);
  size_t size = strtoul(arguments[3], NULL, 10);
  pthread_t id[256];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  sem_init(&done, 0, 0);
  for (intptr_t k = 0; k < threads; k++) {
    sem_init(&go[k], 0, 0);
    CHECK(pthread_create(&id[k], &small, consume, (void *)k) == 0);
  }
  for (int i = 0; i < blocks; i++) {
    int k = i % threads;
    char *block = malloc(size);
    CHECK(block);
    memset(block, 1, size);
    slot[k] = block;
    sem_post(&go[k]);
    while (sem_wait(&done)) {}
  }
  printf("%zu %lu\n", hakmem_stat(HAKMEM_COMMITTED) >> 10, peak_resident() >> 10);
  for (int k = 0; k < threads; k++) slot[k] = NULL, sem_post(&go[k]), pthread_join(id[k], NULL);
  return 0;
}
