/* Writes one byte that lies AMOUNT bytes beyond the end of a block of SIZE bytes, and nothing between. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *before = taken(size), *block = taken(size), *behind = taken(size);
  if (wrong) scribble(block + size + amount - 1, 1);
  if (is("free")) free(block);
  return outcome(kept(before, size) && kept(behind, size));
}
