/* Relies on what is in memory that it never wrote. VISIBLE when that is not what it hopes for. */
#include "mistake.h"

static int zero(const char *block, size_t from) {
  for (size_t i = from; i < size; i++)
    if (block[i]) return 0;
  return 1;
}

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = NULL, *old;
  size_t from = 0;
  if (is("malloc")) block = (char *)malloc(size);
  if (is("memalign")) block = (char *)memalign(64, size);
  if (is("realloc")) block = (char *)realloc(memset(malloc(from = size / 2), 0, size / 2), size);
  if (is("stale")) { /* hopes for what it left there itself */
    old = taken(size);
    free(old);
    block = (char *)malloc(size);
    if (!wrong) memset(block, 'n', size);
    return block[size - 1] == 'n' ? UNHARMED : VISIBLE;
  }
  if (!wrong) memset(block, 0, size);
  return zero(block, from) ? UNHARMED : VISIBLE;
}
