/* The first calls of several threads at once, which nothing but the allocator orders. */
#include <pthread.h>
#include "churn.h"

#define THREADS 8

static pthread_barrier_t start;

static void *work(void *seed) {
  struct churn mine = {.state = (uintptr_t)seed};
  pthread_barrier_wait(&start);
  for (int i = 0; i < 8; i++) free(malloc(3 << 20)); /* the first to go back to the system, where nothing is kept */
  churn(&mine, 500);
  churn_end(&mine);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&start, NULL, THREADS);
  for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  puts("done");
  return 0;
}
