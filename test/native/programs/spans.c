/* Has more blocks than the first span of addresses holds, then grows one after the other and frees it: what each leaves must do for
 * the next. Run under ulimit -v, which makes spans small. */
#include "check.h"
#include "hakmem.h"
#pragma weak hakmem_stat

#define BLOCKS 900
#define MIB ((size_t)1 << 20)

int main(void) {
  static char *block[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) CHECK(block[i] = malloc(MIB));
  size_t committed = hakmem_stat(HAKMEM_COMMITTED);
  for (int i = 0; i < 200; i += 2) {
    char *volatile grown = realloc(block[i], MIB + 65536);
    CHECK(grown);
    free(grown);
  }
  CHECK(hakmem_stat(HAKMEM_COMMITTED) <= committed + 64 * MIB);
  puts("done");
  return 0;
}
