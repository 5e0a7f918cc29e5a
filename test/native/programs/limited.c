/* Under HAKMEM_LIMIT=64m: while one thread's memory is being refused by the system, another one asks for what the limit still allows.
 * Link with -rdynamic, so that the library finds this program's mprotect. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "check.h"

#define MIB ((size_t)1 << 20)

static sem_t asked, answered;
static void *volatile had;
static _Thread_local volatile int refused;

int mprotect(void *at, size_t bytes, int protection) {
  if (!refused) return (int)syscall(SYS_mprotect, at, bytes, protection);
  refused = 0;
  sem_post(&asked);
  sem_wait(&answered);
  errno = ENOMEM;
  return -1;
}

static void *other(void *unused) {
  (void)unused;
  sem_wait(&asked);
  had = malloc(20 * MIB);
  sem_post(&answered);
  return NULL;
}

int main(void) {
  pthread_t thread;
  sem_init(&asked, 0, 0);
  sem_init(&answered, 0, 0);
  CHECK(pthread_create(&thread, NULL, other, NULL) == 0);
  void *most = malloc(40 * MIB);
  CHECK(most);
  refused = 1;
  void *none = malloc(20 * MIB);
  CHECK(!refused && had && !none);
  pthread_join(thread, NULL);
  free(most);
  free(had);
  CHECK((most = malloc(40 * MIB)));
  free(most);
  puts("done");
  return 0;
}
