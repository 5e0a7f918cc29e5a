/* A signal handler that allocates, at the moment at which the library asks the system whether an operation that an earlier
 * handler has jumped out of will ever end: what is to be mended is then mended by the handler, and must not be again. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

static sigjmp_buf out;
static volatile int jump, interrupt;
static void *volatile block, *volatile between;

static void jumps(int signal) { (void)signal; siglongjmp(out, 1); }
static void allocates(int signal) { (void)signal; between = malloc(700); }

/* In the middle of an operation that takes a slab. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  if (jump) { jump = 0; raise(SIGUSR1); }
  return (int)syscall(SYS_clock_gettime, clock, time);
}

int sigaltstack(const stack_t *to, stack_t *from) {
  int result = (int)syscall(SYS_sigaltstack, to, from);
  if (interrupt) { interrupt = 0; raise(SIGUSR2); }
  return result;
}

/* Far enough down the stack that a handler, which stands higher, knows that this has ended. */
static void __attribute__((noinline)) far_down(size_t size) {
  volatile char room[65536];
  room[0] = 1;
  block = malloc(size);
  CHECK(room[0] == 1);
}

int main(void) {
  signal(SIGUSR1, jumps);
  signal(SIGUSR2, allocates);
  block = malloc(100);
  jump = 1;
  if (sigsetjmp(out, 1) == 0) far_down(300);
  CHECK(!jump);
  interrupt = 1;
  CHECK(block = malloc(900));
  CHECK(!interrupt && between && between != block);
  puts("done");
  return 0;
}
