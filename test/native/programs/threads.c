/* 200 threads created and joined in a loop; each leaves a block for its parent. Resident memory must stay flat. */
#include <pthread.h>
#include <time.h>
#include "../../../native/resident.h"
#include "churn.h"

#define THREADS 200
#define WARM_UP 50

static pthread_barrier_t all;

static void *work(void *seed) {
  struct churn *c = calloc(1, sizeof *c);
  c->state = (uintptr_t)seed;
  c->only_small = 1;
  churn(c, 1000);
  pthread_barrier_wait(&all); /* every round has the same peak: all threads at once */
  churn_end(c);
  return c;
}

static void round_of_threads(void) {
  pthread_t threads[THREADS];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (uintptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], &small, work, (void *)(i + 1)) == 0);
  for (int i = 0; i < THREADS; i++) {
    void *left;
    CHECK(pthread_join(threads[i], &left) == 0);
    free(left);
  }
}

int main(int count, char **arguments) {
  int seconds = count > 1 ? atoi(arguments[1]) : 3;
  pthread_barrier_init(&all, NULL, THREADS);
  /* Which thread gets which page is chance: it takes some rounds until most pages have had their worst use. */
  for (int i = 0; i < WARM_UP; i++) round_of_threads();
  unsigned long before = peak_resident();
  time_t end = time(NULL) + seconds;
  long rounds = 0;
  do round_of_threads(), rounds++;
  while (time(NULL) < end);
  unsigned long after = peak_resident();
  fprintf(stderr, "%ld rounds of %d threads; peak resident %lu KiB after %d, %lu KiB at the end\n", rounds, THREADS, before >> 10, WARM_UP, after >> 10);
  CHECK(after <= before + before / 4 + (4 << 20));
  puts("done");
  return 0;
}
