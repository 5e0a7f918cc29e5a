/* Writes AMOUNT bytes before the start of a block of SIZE bytes. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *before = taken(size), *block = is("aligned") ? (char *)memalign(256, size) : (char *)malloc(size), *behind = taken(size);
  scribble(block, size);
  if (wrong) scribble(block - amount, (size_t)amount);
  if (is("free") || is("aligned")) free(block);
  if (is("realloc")) block = (char *)realloc(block, size + 1);
  return outcome(kept(before, size) && kept(behind, size));
}
