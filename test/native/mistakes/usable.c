/* Asks for the usable size of what is no block, and believes it. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = taken(size), *asked = block;
  if (wrong && is("freed")) free(block);
  if (wrong && is("interior")) asked = block + 16;
  return malloc_usable_size(asked) >= size - 16 ? UNHARMED : VISIBLE;
}
