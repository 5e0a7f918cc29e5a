/* What the smallest program takes. */
#include <stdio.h>
#include <stdlib.h>

#include "hakmem.h"

int main(void) {
  char *volatile block = malloc(100);
  block[0] = 1;
  printf("%zu\n", hakmem_stat(HAKMEM_COMMITTED));
  free(block);
  return 0;
}
