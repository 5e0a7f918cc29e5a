/* Frees a block of SIZE bytes twice. */
#include <pthread.h>
#include "mistake.h"

static void *freer(void *block) { return free(block), NULL; }

static void in_thread(void *block) {
  pthread_t thread;
  pthread_create(&thread, NULL, freer, block);
  pthread_join(thread, NULL);
}

static void others(int count) {
  char *blocks[500];
  for (int i = 0; i < count; i++) blocks[i] = taken(size);
  for (int i = 0; i < count; i++) free(blocks[i]);
}

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = taken(size), *beside = taken(size), *again = NULL;
  if (is("aligned")) block = (char *)memalign(4096, size);
  if (is("realloc")) { /* the old pointer, after realloc */
    char *moved = (char *)realloc(block, 4 * size);
    if (wrong) free(block);
    free(moved);
  } else if (is("realloc-zero")) {
    (void)!realloc(block, 0);
    if (wrong) free(block);
  } else if (is("threads")) {
    in_thread(block);
    if (wrong) in_thread(block);
  } else if (is("there-here")) {
    in_thread(block);
    if (wrong) free(block);
  } else {
    free(block);
    if (is("one-between")) free(taken(size)), free(beside), beside = NULL;
    if (is("many-between")) others(size > 1000000 ? 20 : 500);
    if (is("reused")) again = taken(size);
    if (wrong) free(block);
  }
  return outcome((!again || kept(again, size)) && (!beside || kept(beside, size)) && sound(again));
}
