/* In a heap at HAKMEM_LIMIT four threads take and free a block each, and there is room for four; two more ask for more than there
 * ever was. Prints how many mallocs of the four were refused.  refusals SIZE ROUNDS */
#include <pthread.h>
#include <stdatomic.h>
#include "check.h"

#define THREADS 4
#define FILL 20000

static size_t size;
static int rounds;
static atomic_int refused, asked, stop;

static void *ask(void *unused) {
  while (!stop) {
    void *volatile block = malloc((size_t)1 << 40);
    CHECK(!block);
    asked = 1;
  }
  return unused;
}

static void *work(void *unused) {
  for (int i = 0; i < rounds; i++) {
    char *volatile block = malloc(size);
    if (!block) refused++;
    else block[0] = block[size - 1] = 1;
    free(block);
  }
  return unused;
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  size = strtoul(arguments[1], NULL, 10), rounds = atoi(arguments[2]);
  pthread_t thread[THREADS], greedy[2];
  for (int i = 0; i < 2; i++) CHECK(pthread_create(&greedy[i], NULL, ask, NULL) == 0);
  while (!asked) {}
  static void *fill[FILL];
  int filled = 0;
  while (filled < FILL && (fill[filled] = malloc(size))) filled++;
  CHECK(filled >= 4 * THREADS && filled < FILL);
  for (int i = 0; i < THREADS; i++) free(fill[filled / 2 + 2 * i]); /* apart: a block between them stays */
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&thread[i], NULL, work, NULL) == 0);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  stop = 1;
  for (int i = 0; i < 2; i++) pthread_join(greedy[i], NULL);
  printf("%d\n", refused);
  return 0;
}
