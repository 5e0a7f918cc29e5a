/* One block at a time, each longer than the one before: prints how many MiB the last one had that was not refused. */
#include "check.h"

int main(void) {
  size_t last = 0;
  for (size_t mebibytes = 200; mebibytes < 1000; mebibytes += 150) {
    void *volatile block = malloc(mebibytes << 20);
    if (block) last = mebibytes;
    free(block);
  }
  printf("%zu\n", last);
  return 0;
}
