/* Does what an observer must neither change nor miscount. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 200000, RACED = 2000, LARGE = 1 << 20, FORKS = 20 };

/* Linked with it, as a library that was there before the observer. */
#ifdef HANDLERS
static void after_fork(void) {
  for (int i = 0; i < 50; i++) {
    void *volatile block = malloc(777777 - (size_t)i * 16);
    free(block);
  }
}
__attribute__((constructor)) static void handle_forks(void) { pthread_atfork(NULL, NULL, after_fork); }
#else

static volatile int go, calls;

static void *allocate(void *unused) {
  while (!go) {}
  for (int i = 0; i < CALLS; i++, calls++) {
    void *volatile block = malloc(100);
    free(block);
  }
  return unused;
}

/* malloc is no cancellation point. */
static int cancel(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, allocate, NULL);
  pthread_cancel(thread);
  go = 1;
  pthread_join(thread, NULL);
  return printf("%d calls\n", calls) < 0;
}

static void *busy(void *unused) {
  while (go) {
    void *volatile block = malloc(100);
    free(block);
  }
  return unused;
}

/* Children whose handlers allocate, of a program whose other threads allocate. */
static int forks(void) {
  pthread_t threads[2];
  int ended = 0;
  go = 1;
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, busy, NULL);
  for (int i = 0; i < FORKS; i++) {
    pid_t child = fork();
    if (!child) {
      alarm(20);
      free(malloc(33));
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    ended += WIFEXITED(status);
  }
  go = 0;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  return printf("%d of %d\n", ended, FORKS) < 0;
}

static void *move(void *unused) {
  while (go) free(realloc(malloc(LARGE), 5 * LARGE));
  return unused;
}

static char *volatile kept[RACED];

/* Keeps blocks, often where a realloc of another thread has just left a place. */
static int race(void) {
  pthread_t thread;
  go = 1;
  pthread_create(&thread, NULL, move, NULL);
  for (int i = 0; i < RACED; i++) {
    kept[i] = malloc(LARGE);
    for (volatile int wait = 0; wait < 3000; wait++) {}
  }
  go = 0;
  pthread_join(thread, NULL);
  _exit(0);
}

/* Shorter and shorter, where it lies. */
static int shrink(void) {
  char *block = malloc(100000);
  for (int i = 1; i <= 10; i++) {
    char *shorter = realloc(block, 100000 - (size_t)i * 10);
    if (shorter != block) return puts("moved") < 0;
  }
  _exit(0);
}

/* What the C library keeps of a thread it frees behind all destructors. */
static void *short_lived(void *unused) {
  void *volatile block = malloc(10);
  free(block);
  volatile const char *text = strerror(99999);
  (void)text;
  dlsym(RTLD_DEFAULT, "nothing has this name");
  dlerror();
  return unused;
}

/* How many mappings of `file` are left by threads that have ended. */
static int threads(const char *file) {
  char line[8192];
  int mappings = 0;
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, short_lived, NULL);
    pthread_join(thread, NULL);
  }
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) mappings += strstr(line, file) != NULL;
  fclose(maps);
  return printf("%d mappings\n", mappings) < 0;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (!strcmp(argv[1], "cancel")) return cancel();
  if (!strcmp(argv[1], "forks")) return forks();
  if (!strcmp(argv[1], "race")) return race();
  if (!strcmp(argv[1], "threads") && argc > 2) return threads(argv[2]);
  return strcmp(argv[1], "shrink") ? 2 : shrink();
}
#endif
