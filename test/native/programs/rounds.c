/* Threads that begin and end at the same time, and allocate in later rounds of their destructors, when they have left
 * their heaps. */
#include <pthread.h>
#include "churn.h"

#define THREADS 4
#define ROUNDS 1 /* glibc has 4; ThreadSanitizer is gone in the last, and the library needs one more to leave again */

static pthread_key_t key;

static void again(void *value) {
  static __thread int rounds;
  free(value);
  if (rounds++ < ROUNDS) pthread_setspecific(key, malloc(100));
}

static void *work(void *seed) {
  struct churn mine = {.state = (uintptr_t)seed};
  churn(&mine, 100);
  churn_end(&mine);
  pthread_setspecific(key, malloc(1000));
  return NULL;
}

int main(int count, char **arguments) {
  int generations = count > 1 ? atoi(arguments[1]) : 100;
  CHECK(pthread_key_create(&key, again) == 0);
  for (int n = 0; n < generations; n++) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(n * THREADS + i + 1)) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  }
  puts("done");
  return 0;
}
