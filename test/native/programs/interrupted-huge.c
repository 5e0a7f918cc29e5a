/* A handler leaves a huge malloc or free for good, before each of its instructions, while 128 MiB are free around the block: how much of that can never
 * be allocated again? Each time in a process of its own. The arguments are what is called, and the most that may be lost, in MiB. */
#include "step.h"
#include "hakmem.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 << 20)
#define FREE ((size_t)128 << 20)

static void *volatile block, *volatile rest;
static sigjmp_buf back;
static volatile bool left;
static size_t *most; /* shared with the processes */

static size_t held(void) {
  malloc_trim(0);
  return hakmem_stat(HAKMEM_COMMITTED) - hakmem_stat(HAKMEM_FREE) - hakmem_stat(HAKMEM_METADATA);
}

static bool leave(void) {
  pid_t child = fork();
  if (child == 0) {
    left = true;
    siglongjmp(back, 1);
  }
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  if (status) fprintf(stderr, "status %x\n", status);
  return true;
}

static void free_it(void) {
  void *mine = block;
  block = NULL;
  free(mine);
}
static void take_it(void) { block = malloc(SIZE); }

int main(int count, char **arguments) {
  prctl(PR_SET_DUMPABLE, 0);
  CHECK(count == 3);
  bool frees = *arguments[1] == 'f';
  most = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(most != MAP_FAILED);
  void *volatile first = malloc(SIZE);
  rest = malloc(FREE);
  CHECK(first && rest);
  free(rest);
  if (frees) block = first;
  size_t before = held();
  /* What is free is in pieces of every length, kept for huge blocks and not. */
  static void *pieces[64];
  for (int i = 0; i < 64; i++) CHECK((pieces[i] = malloc(SIZE + 100000 * (i % 8))));
  for (int i = 0; i < 64; i += 2) free(pieces[i]);
  for (int i = 1; i < 64; i += 2) free(pieces[i]);
  step_prepare(leave, 0);
  if (sigsetjmp(back, 1) == 0) step_run(frees ? free_it : take_it, 1);
  if (left) {
    free(block);
    size_t now = held(), lost = now > before ? now - before : 0;
    if (lost > *most) *most = lost;
    _exit(0);
  }
  if (*most > (size_t)atoi(arguments[2]) << 20) fprintf(stderr, "%zu bytes are lost\n", *most);
  puts("done");
  return 0;
}
