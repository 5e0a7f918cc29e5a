#include <stdlib.h>

char *make(int size) {
  char *block = malloc((size_t)size);
  block[size - 1] = 42;
  return block;
}
