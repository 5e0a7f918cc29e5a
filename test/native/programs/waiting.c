/* Has a thousand blocks of 3,000 bytes until there is input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static char *keep(void) { return memset(malloc(3000), 1, 3000); }

int main(void) {
  static char *blocks[1000];
  for (int i = 0; i < 1000; i++) blocks[i] = keep();
  if (getchar() != '\n') return 1;
  for (int i = 0; i < 1000; i++) free(blocks[i]);
  return 0;
}
