/* Processes that end, and processes that fork and end, while their threads are anywhere inside malloc and free.
 * The argument is how often. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

enum { THREADS = 3, SLOTS = 64 };

static void *churn(void *seed) {
  char *blocks[SLOTS] = {NULL};
  for (unsigned x = *(unsigned *)seed;; x = x * 1103515245 + 12345) {
    char **block = &blocks[x >> 16 & (SLOTS - 1)];
    size_t size = (x >> 8) % (x >> 22 & 1 ? 40000 : 800);
    free(*block);
    memset(*block = malloc(size), 1, size);
  }
  return NULL;
}

static void start(void) {
  static unsigned seeds[THREADS] = {1, 2, 3};
  for (int t = 0; t < THREADS; t++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, churn, &seeds[t]) == 0);
  }
  usleep(2000);
}

static void in_child(void (*before)(void)) {
  pid_t child = fork();
  if (!child) {
    if (before) before();
    exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 100;
  for (int i = 0; i < rounds; i++) in_child(start); /* it ends while its threads run */
  start();
  for (int i = 0; i < rounds; i++) in_child(NULL); /* it goes on without the threads, wherever they were */
  puts("done");
  return 0;
}
