/* With a file's name: four threads get signal 12 faster than one can write the figures to that file, which is looked at meanwhile. Without: has a thousand blocks of 3,000 bytes when it sends itself signal 12, again and again in the middle of malloc and free by a timer; then frees them
 * when there is input. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
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

static volatile int stop;

static void *allocate(void *unused) {
  while (!stop) {
    void *volatile block = malloc(100);
    free(block);
  }
  return unused;
}

static void block_signal(void) {
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &own, NULL);
}

static void *send_signals(void *unused) {
  block_signal();
  while (!stop) {
    kill(getpid(), SIGUSR2);
    usleep(1);
  }
  return unused;
}

static int look_at(const char *name) {
  enum { LOOKS = 3000, THREADS = 4 };
  static char text[1 << 20];
  pthread_t threads[THREADS + 1];
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, allocate, NULL);
  pthread_create(&threads[THREADS], NULL, send_signals, NULL);
  block_signal();
  int damaged = 0;
  for (int looks = 0; looks < LOOKS;) {
    int file = open(name, O_RDONLY);
    if (file < 0) continue;
    ssize_t length = 0, more;
    while ((more = read(file, text + length, sizeof text - 1 - (size_t)length)) > 0) length += more;
    close(file);
    text[length] = 0;
    looks++;
    damaged += length < 3 || text[0] != '{' || strcmp(text + length - 3, "]}\n") || strstr(text + 1, "{\"version\"");
  }
  stop = 1;
  for (int i = 0; i <= THREADS; i++) pthread_join(threads[i], NULL);
  return printf("%d of %d damaged\n", damaged, LOOKS) < 0;
}

int main(int argc, char **argv) {
  if (argc > 1) return look_at(argv[1]);
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
