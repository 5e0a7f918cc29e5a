/* Seeing what the program asks for, on its way to the allocator: heap-profile.h samples it, recording.h writes it down.
 *
 * With HAKMEM_OBSERVE alone. Included between the generated allocator and the names that programs call, which it leads through
 * the functions below. Each thread has a state of its own here; what they share is the observer's file, mapped, so that a program
 * that is killed leaves what it had until then.
 */
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

/* In a slow path of an observer: what a signal handler, or the unwinder, allocates meanwhile goes by unseen. */
THREAD_LOCAL volatile bool busy;

/* The file named by `prefix`, a point and the number of the process: `bytes` of it from `at` on, which are there on the disk, so that writing to
 * them cannot fail. Null, with a word of why, when they cannot be had. The file is open no longer than this takes: programs close what they do
 * not know. */
static SLOW void *map_observed(const char *prefix, u64 at, u64 bytes, bool create) {
  char name[4096 + 32], *end = put_number(put_text(put_text(name, prefix, 4096), ".", 1), (word)getpid(), 10);
  *end = 0;
  int saved = errno, code = 0, file = open(name, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);
  void *place = MAP_FAILED;
  if (file < 0) code = errno;
  else {
    do code = posix_fallocate(file, (off_t)at, (off_t)bytes); while (code == EINTR);
  }
  if (file >= 0 && !code) {
    place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)at);
    if (place == MAP_FAILED) code = errno;
  }
  if (file >= 0) close(file);
  if (code) say("%s cannot take more: %s; nothing more is written to it", name, code == ENOSPC ? "the disk is full" : code == ENOENT ? "there is no such directory" : code == EACCES ? "permission denied" : "the system refused it");
  errno = saved;
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
  if (!recording) sample(block, size);
  else if (block) record_new(block, size, alignment);
  return block;
}

static __attribute__((noinline)) u64 seen_malloc(u64 size) { return seen_new(hk_malloc(size), size, 0); }

static __attribute__((noinline)) void seen_end(u64 block) {
  if (!block) return;
  if (recording) record_free(block);
  else forget_sample(block);
}

static __attribute__((noinline)) void seen_free(u64 block) { seen_end(block), hk_free(block); }

/* The old block may be another thread's before we know of the new one: so the end of the one is noted as of before. Whoever resizes a block has asked
 * for all of the new one, unless it only became shorter where it lies. */
static __attribute__((noinline)) u64 seen_realloc(u64 old, u64 count, u64 size, bool is_next) {
  u64 began = recording ? ticks_now() : 0, block = hk_reallocarray(old, count, size);
  if (!block) return 0;
  if (recording) record_resized(old, block, count * size, began);
  else {
    if (may_be_sampled(old) && (old != block || count * size > sampled_size(old))) forget_sample(old);
    if (is_next) sample(block, count * size);
  }
  return block;
}

/* Whether the block is to be seen; otherwise its bytes are counted. */
static inline bool is_next(u64 size) {
  u64 left = unsampled;
  if (__builtin_expect(size >= left, 0)) return true;
  unsampled = left - size - 1;
  return false;
}

static inline u64 observed_malloc(u64 size) { return is_next(size) ? seen_malloc(size) : hk_malloc(size); }

static inline u64 observed_calloc(u64 count, u64 size) {
  u64 block = hk_calloc(count, size);
  return is_next(count * size) ? seen_new(block, count * size, 0) : block;
}

static inline u64 observed_memalign(u64 alignment, u64 size) {
  u64 block = hk_memalign(alignment, size);
  return is_next(size) ? seen_new(block, size, (unsigned)I64_CTZ(alignment)) : block;
}

static inline u32 observed_posix_memalign(u64 out, u64 alignment, u64 size) {
  u32 code = hk_posix_memalign(out, alignment, size);
  if (!code && is_next(size)) seen_new(*(any_u64 *)out, size, (unsigned)I64_CTZ(alignment));
  return code;
}

static inline u64 observed_realloc(u64 block, u64 size) {
  if (!block) return observed_malloc(size);
  bool next = is_next(size);
  return (next | may_be_sampled(block)) ? seen_realloc(block, 1, size, next) : hk_realloc(block, size);
}

static inline u64 observed_reallocarray(u64 block, u64 count, u64 size) {
  bool next = is_next(count * size);
  if (block) return (next | may_be_sampled(block)) ? seen_realloc(block, count, size, next) : hk_reallocarray(block, count, size);
  block = hk_reallocarray(0, count, size);
  return next ? seen_new(block, count * size, 0) : block;
}

#define ENDING(block) (__builtin_expect(may_be_sampled(block), 0) ? seen_end(block) : (void)0)
static inline void observed_free(u64 block) { __builtin_expect(may_be_sampled(block), 0) ? seen_free(block) : hk_free(block); }
static inline void observed_free_sized(u64 block, u64 size) { ENDING(block), hk_free_sized(block, size); }
static inline void observed_free_aligned_sized(u64 block, u64 alignment, u64 size) { ENDING(block), hk_free_aligned_sized(block, alignment, size); }

#define hk_malloc observed_malloc
#define hk_calloc observed_calloc
#define hk_memalign observed_memalign
#define hk_posix_memalign observed_posix_memalign
#define hk_realloc observed_realloc
#define hk_reallocarray observed_reallocarray
#define hk_free observed_free
#define hk_free_sized observed_free_sized
#define hk_free_aligned_sized observed_free_aligned_sized
#ifdef HAKMEM_GUARD
static inline u64 observed_guard_new(u64 size, u64 alignment, u32 maker) {
  u64 block = hk_guard_new(size, alignment, maker);
  return is_next(size) ? seen_new(block, size, alignment ? (unsigned)I64_CTZ(alignment) : 0) : block;
}
static inline void observed_guard_delete(u64 block, u64 size, u64 alignment, u32 maker) { ENDING(block), hk_guard_delete(block, size, alignment, maker); }
#define hk_guard_new observed_guard_new
#define hk_guard_delete observed_guard_delete
#else
/* Without a block at hand, new goes on to malloc, which counts. */
static inline u64 observed_malloc_cached(u64 size) {
  u64 left = unsampled, block = size >= left ? 0 : hk_malloc_cached(size);
  if (block) unsampled = left - size - 1;
  return block;
}
#define hk_malloc_cached observed_malloc_cached
#endif

/* The child of a fork shares its parent's files: it leaves them alone. One that starts another program there has its own. */
static void leave_observed(void) {
  stop_profile(), stop_recording();
  memset(sampled, 0, sizeof sampled);
}

static SLOW void begin_observing(void) {
  pthread_atfork(NULL, NULL, leave_observed);
  begin_recording();
  if (recording) memset(sampled, 255, sizeof sampled);
  begin_profile();
  unsampled = 0;
}
