/* Two threads that stay inside WebAssembly: one makes the memory grow, the other gets what lies there, by malloc and from the first. Where
 * an engine goes on using the size that the memory had, what the allocator does not renew traps. */

#include <emscripten.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, FILLERS = 16384 };
static const size_t sizes[] = {16, 1000, 30000, 61440, 204800, 1536000, 3145728};

static void *_Atomic given, *_Atomic returned;
static _Atomic size_t asked;

static void *follow(void *unused) {
  (void)unused;
  for (void *block;;) {
    while (!(block = atomic_exchange(&given, NULL))) continue;
    if (block == &given) return NULL;
    free(block);
    size_t size = atomic_load(&asked);
    char *own = malloc(size);
    memset(own, 0x5a, size);
    /* Here, since the other thread may not see it before it has called the allocator. */
    for (size_t n = 0; n < size; n++)
      if (own[n] != 0x5a) abort();
    char *cleared = calloc(1, size);
    for (size_t n = 0; cleared && n < size; n++)
      if (cleared[n]) abort();
    cleared = realloc(cleared, size * 2);
    if (cleared) memset(cleared, 0xa5, size * 2);
    free(cleared);
    atomic_store(&returned, own);
  }
}

/* A block in memory that is new since this was called. */
static void *beyond(size_t size) {
  static void *fillers[FILLERS];
  size_t end = __builtin_wasm_memory_size(0) << 16, filler = 1 << 16;
  int count = 0;
  void *block;
  while ((block = malloc(filler)) && count < FILLERS) {
    if (filler == size && (size_t)block >= end) break;
    fillers[count++] = block;
    /* What is left between large blocks is for small ones. */
    if ((size_t)block >= end) filler = size;
  }
  while (count) free(fillers[--count]);
  return block;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, follow, NULL)) return 1;
  int grown = 0;
  for (int n = 0; n < ROUNDS * (int)(sizeof sizes / sizeof *sizes); n++) {
    size_t size = sizes[n % (sizeof sizes / sizeof *sizes)], before = __builtin_wasm_memory_size(0);
    void *block = beyond(size), *own;
    if (!block) return 2;
    grown += __builtin_wasm_memory_size(0) > before;
    atomic_store(&asked, size);
    atomic_store(&given, block);
    while (!(own = atomic_exchange(&returned, NULL))) continue;
    free(own);
  }
  atomic_store(&given, (void *)&given);
  pthread_join(thread, NULL);
  printf("%s\n", grown >= 7 ? "seen" : "the memory did not grow");
  fflush(stdout);
  /* This Emscripten's exit frees what it keeps of main's thread while that is still ending (_emscripten_thread_exit), which a profile that
   * overwrites what is freed shows, now and then. */
  MAIN_THREAD_EM_ASM(process.exit(0));
}
