/* Mistakes that the guard profile ends a program for; what it says must name the functions below. */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define APART extern "C" __attribute__((noinline, noipa, visibility("default")))

APART void *make_it(size_t size) {
  void *block = malloc(size);
  memset(block, 1, size);
  return block;
}
APART void drop_it(void *block) {
  free(block);
  puts("dropped");
}

int main(int, char **arguments) {
  char *volatile block = (char *)make_it(100);
  if (!strcmp(arguments[1], "overflow")) block[100] = 1;
  drop_it(block);
  if (!strcmp(arguments[1], "twice")) drop_it(block);
  if (!strcmp(arguments[1], "after")) block[5] = 7;
  for (int i = 0; i < 100000; i++) free(malloc(100));
  return 0;
}
