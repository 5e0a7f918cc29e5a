/* calloc of recycled memory.  zeroed faults SIZE: prints how many page faults a calloc takes whose block is written whole.
 * zeroed contents: every byte is zero, wherever the block comes to lie among memory that was written and memory that was not. */
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include "check.h"

#define ROUNDS 8
#define MIB ((size_t)1 << 20)

static long faults(void) {
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_minflt;
}

static void count_faults(size_t size) {
  long before = 0;
  for (int i = 0; i < ROUNDS + 1; i++) {
    char *volatile block = calloc(1, size);
    CHECK(block);
    memset(block, 1, size);
    free(block);
    if (i == 0) before = faults();
  }
  printf("%ld\n", (faults() - before) / ROUNDS);
}

static bool all_zero(const char *block, size_t size) { return block[0] == 0 && !memcmp(block, block + 1, size - 1); }

static void check_contents(void) {
  static const size_t sizes[] = {600 << 10, 1 * MIB, 3 * MIB, 20 * MIB, 31 * MIB, 33 * MIB, 70 * MIB};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  for (int dirty = 0; dirty < SIZES; dirty++)
    for (int clean = 0; clean < SIZES; clean++)
      for (int whole = 0; whole < SIZES; whole++) {
        if (sizes[dirty] + sizes[clean] + sizes[whole] > 80 * MIB) continue;
        char *volatile written = malloc(sizes[dirty]), *volatile untouched = malloc(sizes[clean]);
        CHECK(written && untouched);
        memset(written, 0x5a, sizes[dirty]);
        free(written), free(untouched);
        char *volatile zeros = calloc(1, sizes[whole]);
        CHECK(zeros && all_zero(zeros, sizes[whole]));
        memset(zeros, 0xa5, sizes[whole] / 2);
        free(zeros);
      }
}

int main(int count, char **arguments) {
  CHECK(count >= 2);
  if (count == 3) count_faults(strtoul(arguments[2], NULL, 10));
  else check_contents(), puts("done");
  return 0;
}
