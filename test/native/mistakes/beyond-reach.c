/* What no allocator can see by itself. */
#include <signal.h>
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = taken(size), *other = taken(size);
  if (is("read-beyond")) { /* reads and is content with anything */
    volatile char sum = 0;
    for (size_t i = 0; i < size + (wrong ? 16 : 0); i++) sum += block[i];
  }
  if (is("into-another") && wrong) { /* a wild index that meets a block that is held */
    long far = other - block;
    scribble(block + far, 1);
  }
  if (is("inside-object")) { /* from one field into the next */
    struct { char name[8]; char next[8]; } *pair = malloc(sizeof *pair);
    memset(pair->name, 0, wrong ? 9 : 8);
    free(pair);
  }
  if (is("reused") && wrong) { /* the memory belongs to somebody else by now */
    free(block);
    char *heir = NULL;
    for (int i = 0; i < 200000 && heir != block; i++) {
      free(heir);
      heir = malloc(size);
    }
    scribble(block, 1);
    return UNHARMED;
  }
  if (is("same-byte") && wrong) { /* writes what was there: once in 256 times */
    volatile char *end = block + size;
    *end = *end;
  }
  if (is("killed") || is("_exit")) { /* never freed, and no exit */
    if (wrong) scribble(block + size, 16);
    if (is("killed")) raise(SIGTERM);
    _exit(UNHARMED);
  }
  return UNHARMED;
}
