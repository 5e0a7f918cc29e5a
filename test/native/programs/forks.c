/* forks cost THREADS: prints how many instructions the library's handler takes in the child of a fork, after so many threads have
 * come and gone beside one that stays. x86-64 only.
 * forks chain N: a process forks while threads of it begin, work and end, its child does the same, and so on for N generations.
 * Prints the KiB that are not free in the last one, and those of metadata. */
#ifdef __x86_64__
#include "step.h"
#endif
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "churn.h"
#include "hakmem.h"
#pragma weak hakmem_stat

#define THREADS 3

static void use_heap(void) {
  void *volatile block = malloc(16);
  free(block);
}

static void *come_and_go(void *unused) {
  use_heap();
  return unused;
}

static void *stay(void *ready) {
  use_heap();
  pthread_barrier_wait(ready);
  pause();
  return NULL;
}

#ifdef __x86_64__
static volatile long instructions;

static bool count_one(void) { return instructions++, true; }
static bool counting;
static void begin_count(void) { if (counting) step_begin(1); }

/* Before the library's own handler: those of children run in the order in which they were noted. */
static void before_library(void) { pthread_atfork(NULL, NULL, begin_count); }
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = before_library;

static void cost(int threads) {
  pthread_t id;
  pthread_barrier_t ready;
  pthread_barrier_init(&ready, NULL, 2);
  step_prepare(count_one, 0);
  counting = true;
  pthread_atfork(NULL, NULL, step_end);
  CHECK(pthread_create(&id, NULL, stay, &ready) == 0);
  pthread_barrier_wait(&ready);
  for (int i = 0; i < threads; i++) CHECK(pthread_create(&id, NULL, come_and_go, NULL) == 0 && pthread_join(id, NULL) == 0);
  use_heap();
  pid_t child = fork();
  if (child == 0) {
    printf("%ld\n", instructions);
    exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}
#else
static void cost(int threads) { (void)threads, (void)stay, _Exit(1); }
#endif

/* Takes and gives a block at a time, of many sizes: what it holds when a fork takes it away is next to nothing. */
static void *work(void *seed) {
  for (unsigned i = 0, random = (unsigned)(uintptr_t)seed; i < 2000; i++) {
    random = random * 1664525u + 1013904223u;
    void *volatile block = malloc(1 + (random >> 16) % 200);
    CHECK(block);
    free(block);
  }
  return NULL;
}

static atomic_int stop;

static void *begin_and_end(void *seed) {
  for (uintptr_t i = 1; !stop; i++) {
    pthread_t id;
    CHECK(pthread_create(&id, NULL, work, (void *)((uintptr_t)seed * 1000 + i)) == 0 && pthread_join(id, NULL) == 0);
  }
  return NULL;
}

static void chain(int generations) {
  pthread_t id;
  static struct churn own;
  for (int i = 0; i < generations; i++) {
    for (uintptr_t k = 1; k <= THREADS; k++) CHECK(pthread_create(&id, NULL, begin_and_end, (void *)(k + i)) == 0);
    churn(&own, 3000);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child) {
      int status;
      stop = 1;
      CHECK(waitpid(child, &status, 0) == child);
      _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    CHECK(hakmem_stat(HAKMEM_THREADS) == 1);
  }
  churn_end(&own);
  malloc_trim(0);
  printf("%zu %zu\n", (hakmem_stat(HAKMEM_COMMITTED) - hakmem_stat(HAKMEM_FREE)) >> 10, hakmem_stat(HAKMEM_METADATA) >> 10);
  fflush(stdout);
  _exit(0);
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  if (!strcmp(arguments[1], "cost")) cost(atoi(arguments[2]));
  else chain(atoi(arguments[2]));
  return 0;
}
