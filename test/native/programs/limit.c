/* Allocates until malloc refuses, then goes on with what it has. Prints the MiB it got. */
#include "churn.h"
int main(void) {
  static void *blocks[4096];
  int count = 0;
  while (count < 4096 && (blocks[count] = malloc(1 << 20))) memset(blocks[count++], 1, 1 << 20);
  int got = count;
  while (count) free(blocks[--count]);
  static struct churn c;
  churn(&c, 20000);
  churn_end(&c);
  printf("%d\n", got);
  return 0;
}
