/* Large blocks that other threads, which live on, have freed last: what becomes of them.
 *
 *   cached delay    they go back to the system after HAKMEM_PURGE_DELAY, in a program that goes on with them
 *   cached trim     malloc_trim in another thread gives them back
 *   cached reuse    another thread's large and huge blocks take their place before memory grows
 */
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "resident.h"
#include "hakmem.h"
#pragma weak hakmem_stat

#define THREADS 8
#define BLOCKS 60
#define SIZE (100 << 10)

static pthread_barrier_t freed, end;

static void *work(void *unused) {
  void *block[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) { CHECK(block[i] = malloc(SIZE)); memset(block[i], 1, SIZE); }
  for (int i = 0; i < BLOCKS; i++) free(block[i]);
  pthread_barrier_wait(&freed);
  pthread_barrier_wait(&end);
  return unused;
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  pthread_t thread[THREADS];
  pthread_barrier_init(&freed, NULL, THREADS + 1);
  pthread_barrier_init(&end, NULL, THREADS + 1);
  long before = resident(10);
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&thread[i], NULL, work, NULL) == 0);
  pthread_barrier_wait(&freed);
  size_t committed = hakmem_stat(HAKMEM_COMMITTED);
  if (!strcmp(arguments[1], "delay")) {
    for (int i = 0; i < 40; i++) {
      usleep(10000);
      for (int j = 0; j < 20; j++) { void *volatile block = malloc(SIZE / 2); free(block); }
    }
    CHECK(resident(10) < before + 2048);
  } else if (!strcmp(arguments[1], "trim")) {
    malloc_trim(0);
    CHECK(hakmem_stat(HAKMEM_CACHED) < 64 << 10);
    CHECK(resident(10) < before + 1024);
  } else {
    static void *volatile block[2000];
    size_t taken = 0;
    for (int i = 0; taken < committed / 2; i++) {
      size_t size = (size_t[]){SIZE, 40 << 10, 300 << 10, 700 << 10}[i % 4];
      CHECK(i < 2000 && (block[i] = malloc(size)));
      taken += size;
    }
    CHECK(hakmem_stat(HAKMEM_COMMITTED) == committed);
  }
  pthread_barrier_wait(&end);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  puts("done");
  return 0;
}
