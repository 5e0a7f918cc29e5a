/* Frees 64 MiB that nothing would give back by itself, and trims it in steps: what malloc_trim answers, and what stays resident. */
#include <malloc.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "resident.h"

#define MIB ((size_t)1 << 20)
#define BLOCKS 64

int main(void) {
  static void *block[BLOCKS];
  malloc_trim(0);
  long before = resident(20);
  for (int i = 0; i < BLOCKS; i++) CHECK(block[i] = memset(malloc(MIB), 1, MIB));
  for (int i = 0; i < BLOCKS; i++) free(block[i]);
  CHECK(resident(20) >= before + BLOCKS - 1);
  for (size_t keep = 48; keep; keep /= 2) {
    CHECK(malloc_trim(keep * MIB) == 1);
    long kept = resident(20) - before;
    if (kept > (long)keep + 1 || kept < (long)keep - 4) {
      fprintf(stderr, "%ld MiB stay of the %zu that were to be kept\n", kept, keep);
      return 1;
    }
    CHECK(malloc_trim(keep * MIB) == 0);
  }
  CHECK(malloc_trim(0) == 1);
  CHECK(malloc_trim(0) == 0);
  return 0;
}
