/* To be loaded before the library: a system that refuses. `refuse(what, n, count)` lets it refuse, from its n-th call on, `count`
 * calls of mmap (0), mprotect (1) or madvise (2), and returns how many there were since the last time; REFUSE=what,n,count does the
 * same from the start. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum call { MMAP, MPROTECT, MADVISE };

static atomic_long calls;
static atomic_long first, last; /* of the calls that are refused */
static atomic_int refused_call = -1;

long refuse(int call, long n, long count) {
  long made = calls;
  refused_call = call;
  first = n;
  last = n + count - 1;
  calls = 0;
  return made;
}

static int refuses(enum call call) {
  if (refused_call == -1) {
    int what = -2;
    long n = 0, count = 0;
    const char *setting = getenv("REFUSE");
    if (setting) sscanf(setting, "%d,%ld,%ld", &what, &n, &count);
    refuse(what, n, count);
  }
  if ((int)call != refused_call) return 0;
  long number = ++calls;
  return number >= first && number <= last;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
  if (refuses(MMAP)) return errno = ENOMEM, MAP_FAILED;
  return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}

int mprotect(void *at, size_t bytes, int protection) {
  if (refuses(MPROTECT)) return errno = ENOMEM, -1;
  return (int)syscall(SYS_mprotect, at, bytes, protection);
}

int madvise(void *at, size_t bytes, int advice) {
  if (refuses(MADVISE)) return errno = calls % 2 ? EINVAL : EAGAIN, -1;
  return (int)syscall(SYS_madvise, at, bytes, advice);
}
