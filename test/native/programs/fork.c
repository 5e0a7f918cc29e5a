/* Forks again and again while other threads allocate; every child allocates, also in threads of its own. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "churn.h"

static atomic_int stop;

static void *work(void *seed) {
  struct churn *c = calloc(1, sizeof *c);
  c->state = (uintptr_t)seed;
  while (!stop) churn(c, 1000);
  churn_end(c);
  free(c);
  return NULL;
}

static void *work_once(void *seed) {
  struct churn *c = calloc(1, sizeof *c);
  c->state = (uintptr_t)seed;
  churn(c, 20000);
  churn_end(c);
  free(c);
  return NULL;
}

int main(int count, char **arguments) {
  int forks = count > 1 ? atoi(arguments[1]) : 50;
  pthread_t threads[4], grandchild;
  for (uintptr_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < forks; i++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(60); /* a child that waits for a dead thread ends with a signal */
      work_once((void *)(uintptr_t)(i + 100));
      pthread_create(&grandchild, NULL, work_once, (void *)(uintptr_t)(i + 1000));
      pthread_join(grandchild, NULL);
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = 1;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  puts("done");
  return 0;
}
