/* Under HAKMEM_LIMIT=64m: what one thread asks for while the system has another one's call in its hands.  limited SCENE
 *
 *   0  the other's growth, which is refused then: the limit still allows it
 *   1  the same, behind the free end of memory: it is still free
 *   2  the purge of the pages behind a block that shall grow: they are still free
 *
 * Link with -rdynamic, so that the library finds this program's system calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "check.h"
#include "hakmem.h"
#pragma weak hakmem_stat

#define MIB ((size_t)1 << 20)

static sem_t called, answered, begun;
static _Thread_local volatile int held_up, refused;
static volatile int waited_for;
static volatile size_t size_of_other;

/* The call of the thread that is held up lasts until it may be answered. */
static void hold_up(void) {
  if (!held_up) return;
  held_up = 0;
  sem_post(&called);
  sem_wait(&answered);
}

int mprotect(void *at, size_t bytes, int protection) {
  if (!refused) return (int)syscall(SYS_mprotect, at, bytes, protection);
  hold_up();
  errno = ENOMEM;
  return -1;
}

int madvise(void *at, size_t bytes, int advice) {
  if (bytes >= MIB) hold_up();
  return (int)syscall(SYS_madvise, at, bytes, advice);
}

/* Who waits for the other thread yields. */
int sched_yield(void) {
  if (waited_for) {
    waited_for = 0;
    sem_post(&answered);
  }
  return (int)syscall(SYS_sched_yield);
}

static void *other(void *purges) {
  void *volatile own = malloc(64); /* the thread's heap */
  free(own);
  sem_post(&called);
  sem_wait(&begun);
  held_up = 1;
  if (purges) return malloc_trim(0), NULL;
  refused = 1;
  return malloc(size_of_other);
}

static pthread_t begin(int purges) {
  static int yes;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, other, purges ? &yes : NULL) == 0);
  sem_wait(&called);
  return thread;
}

static void *end(pthread_t thread) {
  void *result;
  if (waited_for) waited_for = 0, sem_post(&answered);
  pthread_join(thread, &result);
  return result;
}

static void growth(void) {
  pthread_t thread = begin(0);
  CHECK(malloc(40 * MIB));
  size_of_other = 20 * MIB;
  sem_post(&begun);
  sem_wait(&called);
  CHECK(malloc(20 * MIB));
  sem_post(&answered);
  CHECK(!end(thread));
}

static void free_end(void) {
  pthread_t thread = begin(0);
  void *volatile first = malloc(38 * MIB), *volatile last = malloc(20 * MIB);
  CHECK(first && last);
  size_t left = 64 * MIB - hakmem_stat(HAKMEM_COMMITTED);
  free(last);
  malloc_trim(0);
  size_of_other = 20 * MIB + left * 3 / 4 + (hakmem_stat(HAKMEM_FREE) - 20 * MIB) / 2;
  sem_post(&begun);
  sem_wait(&called);
  waited_for = 1;
  CHECK(malloc(20 * MIB + left / 2));
  CHECK(!end(thread));
}

static void purge(void) {
  pthread_t thread = begin(1);
  void *volatile small = malloc(100);
  char *block = malloc(30 * MIB), *behind = malloc(20 * MIB);
  CHECK(small && block && behind && behind - block <= (ptrdiff_t)(31 * MIB) && behind > block);
  memset(behind, 1, 20 * MIB);
  free(behind);
  sem_post(&begun);
  sem_wait(&called);
  waited_for = 1;
  CHECK(realloc(block, 40 * MIB) == block);
  end(thread);
}

int main(int count, char **arguments) {
  static void (*const scenes[])(void) = {growth, free_end, purge};
  CHECK(count == 2);
  CHECK(sem_init(&called, 0, 0) == 0 && sem_init(&answered, 0, 0) == 0 && sem_init(&begun, 0, 0) == 0);
  scenes[atoi(arguments[1])]();
  puts("done");
  return 0;
}
