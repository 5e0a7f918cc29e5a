/* Every call of a process for which the system has no memory at all: each is refused, none ends the process. */
#include <errno.h>
#include <malloc.h>
#include "check.h"
#include "hakmem.h"

#define REFUSED(call) do { errno = 0; CHECK(!(call) && errno == ENOMEM); } while (0)

int main(void) {
  for (size_t size = 0; size < 10000000; size = size * 3 / 2 + 1) {
    void *out = NULL;
    REFUSED(malloc(size));
    REFUSED(calloc(1, size));
    REFUSED(realloc(NULL, size));
    REFUSED(memalign(64, size));
    REFUSED(memalign(1 << 20, size));
    CHECK(posix_memalign(&out, 64, size) == ENOMEM);
    (void)hakmem_prewarm(size, 10);
  }
  free(NULL);
  CHECK(malloc_usable_size(NULL) == 0);
  malloc_trim(0);
  for (int i = 0; i <= HAKMEM_METADATA; i++) CHECK(hakmem_stat((enum hakmem_stat)i) == 0);
  return 3;
}
