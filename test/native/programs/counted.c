/* 10,000 blocks of 100 bytes that their own thread frees, and as many that another one does. */
#include <pthread.h>
#include <stdlib.h>

static void *blocks[10000];

static void *free_all(void *unused) {
  for (int i = 0; i < 10000; i++) free(blocks[i]);
  return unused;
}

static void allocate_all(void) {
  for (int i = 0; i < 10000; i++) blocks[i] = malloc(100);
}

int main(void) {
  pthread_t thread;
  allocate_all();
  free_all(NULL);
  allocate_all();
  if (pthread_create(&thread, NULL, free_all, NULL)) return 1;
  return pthread_join(thread, NULL);
}
