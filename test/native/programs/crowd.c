/* What many threads that live on keep in their caches, of one class: as many as the first argument says. Bounded by the process: as much as
 * 16 of them may, and half of that more with each doubling of their number. */
#include <pthread.h>
#include "check.h"
#include "hakmem.h"
#pragma weak hakmem_stat

#define BLOCKS 2000
#define SIZE 1024
#define CLASS_BYTES (256 << 10)

static pthread_barrier_t freed, end;

static void *work(void *unused) {
  static _Thread_local void *block[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) CHECK(block[i] = malloc(SIZE));
  for (int i = 0; i < BLOCKS; i++) free(block[i]);
  pthread_barrier_wait(&freed);
  pthread_barrier_wait(&end);
  return unused;
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  int threads = atoi(arguments[1]);
  pthread_t thread[threads];
  pthread_barrier_init(&freed, NULL, threads + 1);
  pthread_barrier_init(&end, NULL, threads + 1);
  for (int i = 0; i < threads; i++) CHECK(pthread_create(&thread[i], NULL, work, NULL) == 0);
  pthread_barrier_wait(&freed);
  long cached = (long)hakmem_stat(HAKMEM_CACHED), most = (threads < 16 ? threads : 16) * CLASS_BYTES;
  for (int n = 16; n < threads; n *= 2) most += 16 * CLASS_BYTES / 2;
  CHECK(cached < most + (1 << 20));
  CHECK(cached > (threads < 16 ? threads * (CLASS_BYTES / 4) : 1 << 20)); /* they do cache */
  pthread_barrier_wait(&end);
  for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  puts("done");
  return 0;
}
