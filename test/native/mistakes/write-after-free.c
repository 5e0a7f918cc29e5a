/* Writes to a block of SIZE bytes after it was freed, at its AMOUNT-th percent. HOW says what happens around that. */
#include <pthread.h>
#include "mistake.h"

static void *writer(void *at) { return scribble(at, 1), NULL; }

/* Allocates and frees so much that what was freed before is used again. */
static void churn(int rounds) {
  for (int i = 0; i < rounds; i++) {
    char *block = (char *)malloc(size);
    block[0] = block[size - 1] = 1;
    free(block);
  }
}

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = (char *)malloc(size), *at = block + (size - 1) * (size_t)amount / 100;
  int once = size > 1000000 ? 400 : 20000, unharmed = 1;
  if (!wrong) scribble(at, 1);
  if (is("many")) { /* freed one by one, as a container does */
    char *blocks[100];
    int count = size > 1000000 ? 4 : size > 100000 ? 20 : 100;
    for (int i = 0; i < count; i++) blocks[i] = (char *)malloc(size);
    free(block);
    for (int i = 0; i < count; i++) free(blocks[i]);
    if (wrong) scribble(at, 1);
  } else if (is("realloc")) { /* by an old pointer into what has moved */
    char *other = taken(size), *moved = (char *)realloc(block, 4 * size);
    if (wrong) scribble(at, 1);
    free(moved);
    unharmed = kept(other, size);
  } else {
    free(block);
    if (is("others")) {
      char *others[10];
      for (int i = 0; i < 10; i++) others[i] = taken(size);
      if (wrong) scribble(at, 1);
      for (int i = 0; i < 10; i++) unharmed &= kept(others[i], size);
    } else if (is("late")) {
      churn(10);
      if (wrong) scribble(at, 1);
    } else if (is("thread")) {
      pthread_t thread;
      pthread_create(&thread, NULL, writer, wrong ? at : malloc(1));
      pthread_join(thread, NULL);
    } else if (wrong) scribble(at, 1);
    if (is("leaving")) { /* and nothing at exit: it must be found while the program runs */
      churn(once);
      _exit(UNHARMED);
    }
  }
  return outcome(unharmed && sound(NULL));
}
