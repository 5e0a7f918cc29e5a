/* Seeing what the program asks for, on its way to the allocator: heap-profile.h samples it, recording.h writes it down.
 *
 * With HAKMEM_OBSERVE alone. Included between the generated allocator and the names that programs call, which it leads through
 * the functions below. Each thread has a state of its own here; what they share is the observer's file, mapped, so that a program
 * that is killed leaves what it had until then.
 */
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Who observes, and to which file. In pages that the child of a fork finds empty, from its first instruction on: handlers of the fork that allocate run
 * before `leave_observed`, and the files, locks and tables are its parent's. */
#define OWN_PAGES (64 * KIB)
static union {
  struct { struct profile *profile; const char *recording; };
  char pages[OWN_PAGES];
} observing __attribute__((aligned(OWN_PAGES)));

/* In a slow path of an observer: what a signal handler, or the unwinder, allocates meanwhile goes by unseen. */
THREAD_LOCAL volatile bool busy;

/* The file named by `prefix`, a point and the number of the process: `bytes` of it from `at` on, which are there on the disk, so that writing to
 * them cannot fail. Null, with a word of why, when they cannot be had. The file is open no longer than this takes: programs close what they do
 * not know. */
static SLOW int open_observed(const char *prefix, int how, char name[static 4096 + 32]) {
  *put_number(put_text(put_text(name, prefix, 4096), ".", 1), (word)getpid(), 10) = 0;
  return open(name, O_RDWR | O_CLOEXEC | how, 0600);
}

static SLOW void *map_observed(const char *prefix, u64 at, u64 bytes, bool create) {
  char name[4096 + 32];
  struct rlimit most;
  int cancellation; /* malloc and free are no places to end a thread at */
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
  int saved = errno, code = 0, file = open_observed(prefix, create ? O_CREAT | O_TRUNC : 0, name);
  void *place = MAP_FAILED;
  if (file < 0) code = errno;
  else if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur < at + bytes) code = EFBIG; /* to try is to be ended by a signal */
  else {
    do code = posix_fallocate(file, (off_t)at, (off_t)bytes); while (code == EINTR);
  }
  if (file >= 0 && !code) {
    place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)at);
    if (place == MAP_FAILED) code = errno;
  }
  if (file >= 0) close(file);
  if (code) say("%s cannot take more: %s; nothing more is written to it", name, code == ENOSPC ? "the disk is full" : code == ENOENT ? "there is no such directory" : code == EACCES ? "permission denied" : code == EFBIG ? "the limit of a file's size is reached" : "the system refused it");
  errno = saved;
  pthread_setcancelstate(cancellation, NULL);
  return place == MAP_FAILED ? NULL : place;
}

/* ns that no clock's change disturbs. */
static u64 observed_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

/* Null for none, and for an empty one. */
static const char *observed_setting(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

#include "recording.h"
#include "heap-profile.h"

/* ---- on the way to the allocator ----
 *
 * Fast paths ask two things: whether the bytes until the next sample have been asked for, and whether the hash of a block that ends is one of a
 * sampled block. A recording makes both answers yes, always. */

static __attribute__((noinline)) u64 seen_new(u64 block, u64 size, unsigned alignment) {
  if (!observing.recording) sample(block, size);
  else if (block) record_new(block, size, alignment);
  return block;
}

static __attribute__((noinline)) u64 seen_malloc(u64 size) { return seen_new(hk_malloc(size), size, 0); }

static __attribute__((noinline)) void seen_end(u64 block) {
  if (!block) return;
  if (observing.recording) record_free(block);
  else forget_sample(block, 0);
}

/* What a guard build has freed is in quarantine: it is told afterwards, when nothing was found wrong with it. */
#ifdef HAKMEM_GUARD
static __attribute__((noinline)) void seen_free(u64 block) { hk_free(block), seen_end(block); }
#else
static __attribute__((noinline)) void seen_free(u64 block) { seen_end(block), hk_free(block); }
#endif

/* The old block may be another thread's before we know of the new one: so the end of the one is noted as of before, and of a sample only what was there
 * before is forgotten. Whoever resizes a block has asked for all of the new one, unless it only became shorter where it lies. */
static __attribute__((noinline)) u64 seen_realloc(u64 old, u64 count, u64 size, bool is_next) {
  u64 began = observing.recording ? ticks_now() : 0, usable = is_next && !observing.recording ? hk_malloc_usable_size(old) : 0;
  struct live before = observing.recording || !may_be_sampled(old) ? (struct live){0} : sampled_block(old);
  u64 block = hk_reallocarray(old, count, size);
  if (!block) return 0;
  if (observing.recording) record_resized(old, block, count * size, began);
  else if (old == block && count * size <= (before.block ? before.size : usable)) return block;
  else {
    if (before.block) forget_sample(old, before.born);
    if (is_next) sample(block, count * size);
  }
  return block;
}

/* The child of a fork shares its parent's files: it leaves them alone. One that starts another program there has its own. */
static void leave_observed(void) {
  stop_profile(), stop_recording();
  memset(sampled, 0, sizeof sampled);
}

static SLOW void begin_observing(void) {
#ifdef MADV_WIPEONFORK
  madvise(&observing, sizeof observing, MADV_WIPEONFORK);
#endif
  pthread_atfork(NULL, NULL, leave_observed);
  begin_recording();
  if (observing.recording) memset(sampled, 255, sizeof sampled);
  begin_profile();
  unsampled = 0;
}
