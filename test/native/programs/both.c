/* Two threads free the same block at about the same time, in each of the processes that it begins; prints in how many of them nothing
 * was reported.  both SIZE TIMES */
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static void *block;
static volatile int ready, go;
static int delay;

static void wait_for(int count) { for (volatile int i = 0; i < count; i++) {} }

static void *free_it(void *unused) {
  (void)unused;
  ready = 1;
  while (!go) {}
  wait_for(delay);
  free(block);
  return NULL;
}

static void free_twice(size_t size) {
  pthread_t thread;
  block = malloc(size);
  CHECK(pthread_create(&thread, NULL, free_it, NULL) == 0);
  while (!ready) {}
  go = 1;
  wait_for(1000);
  free(block);
  pthread_join(thread, NULL);
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  size_t size = (size_t)atol(arguments[1]);
  int silent = 0, times = atoi(arguments[2]), errors = open("/dev/null", O_WRONLY);
  for (int i = 0; i < times; i++) {
    delay = i * 3001 % 3000;
    pid_t child = fork();
    if (!child) dup2(errors, 2), free_twice(size), _exit(0);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    silent += status == 0;
  }
  printf("%d\n", silent);
  return 0;
}
