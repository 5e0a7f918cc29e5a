/* Ends while its threads allocate and free. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *work(void *unused) {
  for (;;) {
    char *volatile block = malloc(60000);
    if (!block) return unused;
    *block = 1;
    free(block);
  }
}

int main(void) {
  pthread_t thread;
  for (int i = 0; i < 4; i++) pthread_create(&thread, NULL, work, NULL);
  usleep(30000);
  exit(0);
}
