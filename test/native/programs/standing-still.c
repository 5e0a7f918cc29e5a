/* Eight threads that take and free huge blocks, one with large and one with medium ones: some 17 MiB in all, of HAKMEM_LIMIT's 128. Nobody may be
 * refused, however many of the threads stand still with free memory in hand. The argument is how many seconds. */
#include "check.h"
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 10
static atomic_bool stop;
static atomic_long refused;

static void *take(void *size) {
  while (!stop) {
    void *volatile block = malloc((size_t)size);
    if (!block) refused++;
    free(block);
  }
  return NULL;
}

static void *fill(void *unused) {
  static void *volatile blocks[512];
  while (!stop) {
    for (int i = 0; i < 512; i++)
      if (!(blocks[i] = malloc(16000))) refused++;
    for (int i = 0; i < 512; i++) free(blocks[i]);
    malloc_trim(0);
  }
  return unused;
}

int main(int count, char **arguments) {
  pthread_t threads[THREADS];
  CHECK(count == 2);
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, i == 9 ? fill : take, (void *)(size_t)(i == 8 ? 100000 : 1 << 20)) == 0);
  sleep((unsigned)atoi(arguments[1]));
  stop = true;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  printf("%ld refused\n", refused);
  return 0;
}
