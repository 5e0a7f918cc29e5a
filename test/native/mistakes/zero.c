/* Writes AMOUNT bytes to a block of 0 bytes. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  void *block = NULL;
  size = 24;
  char *before = taken(size);
  if (is("malloc")) block = malloc(0);
  if (is("calloc")) block = calloc(16, 0);
  if (is("realloc")) block = realloc(NULL, 0);
  if (is("memalign")) block = memalign(64, 0);
  if (is("exit")) block = malloc(0);
  char *behind = taken(size);
  if (wrong) scribble(block, (size_t)amount);
  if (!is("exit")) free(block);
  return outcome(kept(before, size) && kept(behind, size));
}
