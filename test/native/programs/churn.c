/* Four threads churn, then each frees what another holds, ROUNDS times; `churn.h` notices blocks that overlap. */
#include <pthread.h>
#include <string.h>
#include "churn.h"

#define THREADS 4
#define ROUNDS 20

static pthread_barrier_t all;
static struct churn churns[THREADS];

static void *work(void *number) {
  uintptr_t own = (uintptr_t)number;
  for (uintptr_t round = 0; round < ROUNDS; round++) {
    churn(&churns[(own + round) % THREADS], 2000);
    pthread_barrier_wait(&all);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&all, NULL, THREADS);
  for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < THREADS; i++) churn_end(&churns[i]);
  puts("done");
  return 0;
}
