/* Does all that an allocator can be asked while the system refuses the n-th of its calls, or all from the n-th on, for every n or for
 * some, each in a process of its own.  refused CALL ALL   Needs refusing.c before the library, which has the calls. A malloc returns null with ENOMEM, or a block; what
 * the program holds stays as it is; and when nothing is refused any more everything can be had again. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "hakmem.h"
#pragma weak hakmem_prewarm
#pragma weak refuse

#define MANY 4000
#define MIB ((size_t)1 << 20)

long refuse(int call, long n, long count);

struct blocks { int count; struct { unsigned char *block; size_t size; unsigned char fill; } at[MANY]; };
static struct blocks kept;

/* Takes over what a call returned: null only with ENOMEM, a block only without overlaps, which its fill shows later. */
static void take(struct blocks *all, void *block, size_t size) {
  if (!block) {
    CHECK(errno == ENOMEM);
    return;
  }
  CHECK((uintptr_t)block % 16 == 0 && malloc_usable_size(block) >= size);
  size_t filled = size > 70000 ? 70000 : size;
  memset(block, all->count * 7 + 1, filled);
  all->at[all->count].block = block, all->at[all->count].size = filled, all->at[all->count].fill = (unsigned char)(all->count * 7 + 1);
  CHECK(++all->count < MANY);
}

static void check(const struct blocks *all) {
  for (int i = 0; i < all->count; i++)
    for (size_t at = 0; at < all->at[i].size; at += all->at[i].size > 4096 ? 509 : 7) CHECK(all->at[i].block[at] == all->at[i].fill);
}

static void give(struct blocks *all) {
  check(all);
  while (all->count) {
    errno = EBADF;
    free(all->at[--all->count].block);
    CHECK(errno == EBADF);
  }
}

static void work(struct blocks *all, int rounds) {
  static const size_t sizes[] = {16, 100, 1000, 9000, 30000, 100000, 300000, 900000, 5 * MIB};
  for (int round = 0; round < rounds; round++)
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      size_t size = sizes[i];
      errno = 0;
      take(all, malloc(size), size);
      errno = 0;
      unsigned char *zeros = calloc(1, size);
      if (zeros) for (size_t at = 0; at < size; at += 61) CHECK(zeros[at] == 0);
      take(all, zeros, size);
      errno = 0;
      take(all, memalign(1 << (4 + i * 2), size), size);
      if (!all->count) continue;
      int last = all->count - 1;
      unsigned char *old = all->at[last].block;
      errno = 0;
      unsigned char *moved = realloc(old, 2 * size);
      if (!moved) CHECK(errno == ENOMEM);
      else all->at[last].block = moved;
      if (all->count % 3 == 0) all->count--, free(all->at[all->count].block);
    }
}

static void *work_in_thread(void *unused) {
  struct blocks *own = calloc(1, sizeof *own);
  if (!own) return unused;
  work(own, 3);
  malloc_trim(0);
  hakmem_prewarm(64, 100);
  give(own);
  free(own);
  return unused;
}

static void workload(void) {
  pthread_t thread[2];
  bool started[2];
  work(&kept, 6);
  for (int i = 0; i < 2; i++) started[i] = pthread_create(&thread[i], NULL, work_in_thread, NULL) == 0;
  for (int i = 0; i < 2; i++) if (started[i]) pthread_join(thread[i], NULL);
  malloc_trim(0);
  hakmem_prewarm(200, 200);
  work(&kept, 6);
  int last = kept.count;
  while (kept.count > last / 2) free(kept.at[--kept.count].block);
  malloc_trim(0);
  pid_t child = fork();
  if (child == 0) {
    work(&kept, 3);
    give(&kept);
    _exit(0);
  }
  int status;
  CHECK(child < 0 || (waitpid(child, &status, 0) == child && status == 0));
  work(&kept, 3);
  check(&kept);
}

/* One run in a process of its own; returns whether there were at least n calls. */
static bool run(int call, long n, long count) {
  int tells[2];
  long made = 0;
  CHECK(pipe(tells) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60);
    refuse(call, n, count);
    workload();
    made = refuse(-2, 0, 0);
    check(&kept);
    int before = kept.count;
    work(&kept, 2);
    CHECK(kept.count > before + 20); /* nothing was refused */
    give(&kept);
    CHECK(malloc_trim(0) == 1);
    CHECK(write(tells[1], &made, sizeof made) == sizeof made);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child);
  if (status) { fprintf(stderr, "number %ld refused, %ld times: %s %d\n", n, count, WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)); _Exit(1); }
  CHECK(read(tells[0], &made, sizeof made) == sizeof made);
  close(tells[0]), close(tells[1]);
  return made >= n;
}

/* The numbers that are tried when not all are. */
static long following(long n, bool all) { return all || n < 6 ? n + 1 : n + 1 + n / 4; }

int main(int count, char **arguments) {
  CHECK(refuse && count == 3);
  int call = atoi(arguments[1]);
  bool all = atoi(arguments[2]);
  long runs = 0;
  for (long n = 1; run(call, n, 1); n = following(n, all)) runs++;
  for (long n = 1; run(call, n, 1L << 40); n = following(n, all)) runs++;
  CHECK(runs > 0);
  fprintf(stderr, "%ld runs\n", runs);
  puts("done");
  return 0;
}
