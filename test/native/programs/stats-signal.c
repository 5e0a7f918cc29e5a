/* Has a thousand blocks of 3,000 bytes when it sends itself signal 12, again and again in the middle of malloc and free by a timer; then frees them
 * when there is input. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static void on_alarm(int number) {
  (void)number;
  raise(SIGUSR2);
}

int main(void) {
  static char *blocks[1000];
  for (int i = 0; i < 1000; i++) memset(blocks[i] = malloc(3000), 1, 3000);
  signal(SIGALRM, on_alarm);
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  void *volatile block;
  for (int i = 0; i < 3000000; i++) block = malloc(16 + i % 2000), free(block);
  setitimer(ITIMER_REAL, &never, NULL);
  raise(SIGUSR2);
  if (write(1, "ready\n", 6) != 6 || getchar() != '\n') return 1;
  for (int i = 0; i < 1000; i++) free(blocks[i]);
  return 0;
}
