/* Grows huge blocks again and again, among others that stand in their way, and finds their contents. Prints how many mappings the
 * process has then. */
#include <string.h>
#include "check.h"

#define BLOCKS 256
#define STEP 65536

static int mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(maps);
  int lines = 0, c;
  while ((c = getc(maps)) != EOF) lines += c == '\n';
  fclose(maps);
  return lines;
}

int main(void) {
  void *volatile room = malloc(256 << 20); /* one mapping for what comes */
  free(room);
  char *growing = malloc(1 << 20), *volatile wall[8];
  for (int i = 0; i < 6; i++) {
    size_t size = (size_t)(1 << 20) << i;
    memset(growing, i + 1, size);
    wall[i] = malloc(600 << 10);
    wall[i][0] = 1;
    growing = realloc(growing, 2 * size);
    CHECK(growing && growing[0] == i + 1 && growing[size / 2] == i + 1 && growing[size - 1] == i + 1);
  }
  free(growing);
  for (int i = 0; i < 6; i++) free(wall[i]);

  static struct { char *block; size_t size; } slot[BLOCKS];
  unsigned random = 1;
  for (int i = 0; i < 8000; i++) {
    random = random * 1664525u + 1013904223u;
    unsigned k = random >> 8 & (BLOCKS - 1);
    size_t size = (size_t)(600 + (random >> 16) % 4000) << 10;
    char *block = realloc(slot[k].block, size);
    CHECK(block);
    for (size_t at = 0; at < size && at < slot[k].size; at += STEP) CHECK(block[at] == (char)k);
    for (size_t at = 0; at < size; at += STEP) block[at] = (char)k;
    slot[k].block = block, slot[k].size = size;
  }
  printf("%d\n", mappings());
  return 0;
}
