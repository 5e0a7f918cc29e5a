/* A disk that is full, after as many requests for room on it as FULL_AFTER says. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int posix_fallocate(int file, off_t at, off_t bytes) {
  static int requests;
  const char *after = getenv("FULL_AFTER");
  if (after && requests++ >= atoi(after)) return ENOSPC;
  struct stat found;
  if (fstat(file, &found)) return errno;
  return found.st_size < at + bytes && ftruncate(file, at + bytes) ? errno : 0;
}
