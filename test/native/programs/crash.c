/* Crashes: in the library, which it gives a block whose page is gone; by its own mistake; or by what others do. */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

static void *crash(void *unused) {
  (void)unused;
  *(volatile int *)8 = 1;
  return NULL;
}

/* Loaded by `loader`: its thread crashes while the loader's lock is held. */
#ifdef PLUGIN
__attribute__((constructor)) static void wait_for_crash(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, crash, NULL);
  pthread_join(thread, NULL);
}
#else

static void *volatile kept[1000];

static void on_alarm(int number) {
  (void)number;
  crash(NULL);
}

/* Its handler crashes, which as a rule has interrupted the allocator. */
static _Noreturn void crash_in_handler(void) {
  signal(SIGALRM, on_alarm);
  struct itimerval soon = {{0, 0}, {0, 3000}};
  setitimer(ITIMER_REAL, &soon, NULL);
  for (;;) {
    for (int i = 0; i < 1000; i++) kept[i] = malloc((size_t)i * 8);
    for (int i = 0; i < 1000; i++) free(kept[i]);
  }
}

int main(int argc, char **argv) {
  char *block = malloc(100);
  free(malloc(50));
  if (argc > 2 && !strcmp(argv[1], "raise")) {
    raise(atoi(argv[2]));
    puts("still there");
    return 0;
  }
  if (argc > 2 && !strcmp(argv[1], "loader")) return dlopen(argv[2], RTLD_NOW) == NULL;
  if (argc > 1 && !strcmp(argv[1], "handler")) crash_in_handler();
  if (argc > 1) return block[strtoul(argv[1], NULL, 0)];
  /* The page of the block goes: freeing it looks at the bytes around it. */
  mprotect((void *)((uintptr_t)block & ~(uintptr_t)4095), 4096, PROT_NONE);
  free(block);
  return 0;
}
#endif
