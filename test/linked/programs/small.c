/* A program whose size is compared: it says nothing of the allocator. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  char *volatile block = realloc(calloc(1, 10), 20);
  puts(block ? "done" : "no memory");
  free(block);
  return 0;
}
