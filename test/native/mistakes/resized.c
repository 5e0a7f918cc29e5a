/* Writes into what realloc took away when it made a block of SIZE bytes half as long: AMOUNT bytes behind the new end. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = (char *)realloc(taken(size), size / 2), *other = taken(size / 2);
  scribble(block, size / 2 + (wrong ? (size_t)amount : 0));
  if (is("free")) free(block);
  return outcome(kept(other, size / 2));
}
