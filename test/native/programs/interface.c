/* The contract of every function of the C family, as the standards and glibc's manual have it. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "check.h"

void free_sized(void *, size_t) __attribute__((weak));
void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

#define FAILS_WITH(code, call) \
  do { errno = 0; CHECK((call) == NULL); CHECK(errno == (code)); } while (0)

int main(void) {
  volatile size_t huge = SIZE_MAX - 100, half = SIZE_MAX / 2 + 1;
  FAILS_WITH(ENOMEM, malloc(huge));
  FAILS_WITH(ENOMEM, calloc(half, 2));
  FAILS_WITH(ENOMEM, calloc(1, huge));
  FAILS_WITH(ENOMEM, realloc(NULL, huge));
  FAILS_WITH(ENOMEM, reallocarray(NULL, half, 4));
  FAILS_WITH(ENOMEM, aligned_alloc(64, huge));
  FAILS_WITH(ENOMEM, pvalloc(huge));
  FAILS_WITH(EINVAL, memalign(24, 100));

  void *kept = malloc(100);
  memset(kept, 7, 100);
  FAILS_WITH(ENOMEM, realloc(kept, huge));
  CHECK(((char *)kept)[99] == 7);
  errno = EBADF;
  free(kept);
  CHECK(errno == EBADF);
  errno = EBADF;
  free(malloc(50 << 20));
  CHECK(errno == EBADF);
  free(NULL);

  void *empty = malloc(0), *other = malloc(0);
  CHECK(empty && other && empty != other);
  free(empty), free(other);

  for (size_t size = 1; size < 5000000; size += size / 7 + 1) {
    char *block = malloc(size);
    CHECK(block && (uintptr_t)block % 16 == 0 && malloc_usable_size(block) >= size);
    memset(block, 1, malloc_usable_size(block));
    free_sized ? free_sized(block, size) : free(block); /* new in C23: the C library may lack it */
    char *zeros = calloc(1, size);
    CHECK(zeros && zeros[0] == 0 && zeros[size / 2] == 0 && zeros[size - 1] == 0);
    memset(zeros, 2, size);
    zeros = realloc(zeros, size * 2);
    CHECK(zeros && zeros[0] == 2 && zeros[size - 1] == 2);
    zeros = realloc(zeros, size / 2 + 1);
    CHECK(zeros && zeros[0] == 2 && zeros[size / 2] == 2);
    free(zeros);
  }
  for (size_t alignment = 8; alignment <= (4 << 20); alignment *= 2) {
    void *block = NULL;
    CHECK(posix_memalign(&block, alignment, alignment + 1) == 0 && (uintptr_t)block % alignment == 0);
    free(block);
    block = aligned_alloc(alignment, alignment * 2);
    CHECK(block && (uintptr_t)block % alignment == 0);
    free_aligned_sized ? free_aligned_sized(block, alignment, alignment * 2) : free(block);
  }
  int object;
  void *untouched = &object;
  CHECK(posix_memalign(&untouched, 24, 8) == EINVAL && untouched == &object);
  CHECK(posix_memalign(&untouched, 4, 8) == EINVAL);
  CHECK(posix_memalign(&untouched, 16, huge) == ENOMEM && untouched == &object);

  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *whole = valloc(10), *pages = pvalloc(page + 1);
  CHECK((uintptr_t)whole % page == 0 && (uintptr_t)pages % page == 0 && malloc_usable_size(pages) >= 2 * page);
  free(whole), free(pages);

  void *volatile live = malloc(1000000);
  struct mallinfo2 info = mallinfo2();
  CHECK(info.uordblks >= 1000000 && info.arena >= info.uordblks);
  free(live);
  CHECK(mallinfo2().uordblks < info.uordblks);
  malloc_trim(0);
  puts("done");
  return 0;
}
