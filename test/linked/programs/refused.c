/* Asks for more and more until there is none; what then happens is the toolchain's to say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  size_t total = 0;
  for (char *block; (block = malloc(STEP)) && total < LIMIT; total += STEP) memset(block, 1, STEP);
  printf("null after %s, ENOMEM %d\n", total > 4 << 20 ? "much" : "little", errno == ENOMEM);
  return 0;
}
