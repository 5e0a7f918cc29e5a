/* A timer's signal leaves malloc and free by siglongjmp, thousands of times. What was in flight may leak; nothing may break. */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include "churn.h"

static sigjmp_buf back;
static volatile sig_atomic_t inside;

static void jump(int signal) {
  (void)signal;
  if (inside) siglongjmp(back, 1);
}

static struct churn after;

int main(int count, char **arguments) {
  int jumps = count > 1 ? atoi(arguments[1]) : 2000;
  struct sigaction action = {.sa_handler = jump};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  static void *volatile blocks[64];
  static volatile unsigned next;
  setitimer(ITIMER_REAL, &often, NULL);
  for (volatile int left = jumps; left > 0;) {
    if (sigsetjmp(back, 1)) { inside = 0; left--; }
    inside = 1;
    while (left > 0) {
      unsigned slot = next++ % 64;
      void *old = blocks[slot];
      blocks[slot] = NULL; /* before free: interrupted, it may be free already */
      free(old);
      blocks[slot] = malloc(16 + (size_t)next * 2654435761u % (next % 50 ? 2048 : 100000));
    }
  }
  inside = 0;
  setitimer(ITIMER_REAL, &never, NULL);
  churn(&after, 200000);
  churn_end(&after);
  puts("done");
  return 0;
}
