/* To be loaded before the library: mremap as Linux 5.7 to 6.11 has it where the source is several mappings. It empties the fixed
 * target, and then refuses. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <stdarg.h>

void *mremap(void *from, size_t old_size, size_t size, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  void *to = va_arg(rest, void *);
  va_end(rest);
  (void)from, (void)old_size;
  if (flags & MREMAP_FIXED) munmap(to, size);
  errno = EFAULT;
  return MAP_FAILED;
}
