/* A signal handler leaves malloc for good by siglongjmp, and later another one allocates in the middle of free, and returns.
 *
 * malloc stood deep on the stack, near whose top free is called: so its frame, if it is still taken for the one of an operation under way, has
 * ended as far as the second handler can see. The jump comes before every instruction of malloc, the second handler before each STRIDE-th of
 * free's. Both go on in a process of their own each time, in which no block may be handed out twice afterwards. */
#include "step.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 9000
#define FREED 5000
#define SIZE 64
#define OTHER_SIZE 640 /* of a class that has nothing at hand */
#define SLOW 100       /* instructions that malloc does not take without an operation */
#define FREE_STEPS 160
#define STRIDE 23
#define FRAME 100000

static void *blocks[BLOCKS], *taken[64], *all[BLOCKS + 12000];
static volatile long step, at;
static volatile enum { COUNT, JUMP, ALLOCATE } what;
static sigjmp_buf back;

static bool reach(void) {
  if (++step != at || what == COUNT) return true;
  if (what == JUMP) siglongjmp(back, 1);
  for (int i = 0; i < 64; i++) CHECK((taken[i] = malloc(OTHER_SIZE)));
  return false;
}

static __attribute__((noinline)) void allocate_deep(void) {
  volatile char frame[FRAME];
  frame[0] = 1;
  step = 0;
  step_begin(1);
  taken[0] = malloc(OTHER_SIZE);
  step_end();
  frame[FRAME - 1] = frame[0];
}

static int by_address(const void *a, const void *b) {
  const char *const *left = a, *const *right = b;
  return *left < *right ? -1 : *left > *right;
}

/* Whether no block is in the program's hands twice, after it has taken many more. */
static bool are_distinct(void *victim) {
  int count = 0;
  for (int i = FREED; i < BLOCKS; i++) if (blocks[i] != victim) all[count++] = blocks[i];
  for (int i = 0; i < 64; i++) if (taken[i]) all[count++] = taken[i];
  for (int i = 0; i < 10000; i++) all[count++] = malloc(i % 5 ? SIZE : OTHER_SIZE);
  qsort(all, count, sizeof *all, by_address);
  for (int i = 1; i < count; i++) if (all[i] == all[i - 1]) return false;
  return true;
}

/* Jumps out before instruction `first` of malloc, and allocates before instruction `second` of the free that follows. */
static bool survives(long first, long second) {
  pid_t child = fork();
  if (child == 0) {
    alarm(3);
    void *victim = blocks[7000]; /* all blocks around it are in use: by it its slab gets room */
    what = JUMP, at = first;
    if (!sigsetjmp(back, 1)) allocate_deep();
    what = ALLOCATE, at = second, step = 0;
    step_begin(1);
    free(victim);
    step_end();
    _exit(are_distinct(victim) ? 0 : 1);
  }
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  if (status) fprintf(stderr, "failed: jump before %ld, handler before %ld (status %x)\n", first, second, status);
  return status == 0;
}

/* How many blocks of OTHER_SIZE are at hand before malloc has to begin an operation; in a process of its own. */
static int at_hand(void) {
  pid_t child = fork();
  if (child == 0) {
    what = COUNT;
    for (int count = 0;; count++) {
      allocate_deep();
      if (step > SLOW) _exit(count);
    }
  }
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status);
}

int main(void) {
  prctl(PR_SET_DUMPABLE, 0);
  step_prepare(reach, 0);
  CHECK(malloc(OTHER_SIZE));
  for (int i = 0; i < BLOCKS; i++) CHECK((blocks[i] = malloc(SIZE)));
  for (int i = 0; i < FREED; i++) free(blocks[i]);
  for (int count = at_hand(); count > 0; count--) CHECK(malloc(OTHER_SIZE));
  pid_t child = fork();
  if (child == 0) {
    what = COUNT;
    allocate_deep();
    long last = step;
    _exit(last > 255 * 16 ? 255 : last / 16);
  }
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
  long last = 16 * (WEXITSTATUS(status) + 1), failed = 0;
  for (long first = 1; first <= last; first++)
    for (long second = 1; second < FREE_STEPS; second += STRIDE) if (!survives(first, second)) failed++;
  if (failed) return 1;
  puts("done");
  return 0;
}
