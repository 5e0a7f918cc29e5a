/* Allocates, and prints what the system says of its mappings. */
#include "check.h"
int main(void) {
  void *volatile block = malloc(100);
  free(block);
  FILE *file = fopen("/proc/self/smaps", "r");
  CHECK(file);
  for (int c; (c = getc(file)) != EOF;) putchar(c);
  return 0;
}
