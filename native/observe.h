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
  else if (!(code = posix_fallocate(file, (off_t)at, (off_t)bytes))) {
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

#include "heap-profile.h"
#include "recording.h"

static inline u64 saw_new(u64 block, u64 size, unsigned alignment) {
  if (!block) return 0;
  if (__builtin_expect((unsampled -= (s64)size + 1) < 0, 0)) sample(block, size);
  if (__builtin_expect(recording != NULL, 0)) record_new(block, size, alignment);
  return block;
}

static inline void saw_end(u64 block) {
  if (!block) return;
  if (__builtin_expect(may_be_sampled(block), 0)) forget_sample(block);
  if (__builtin_expect(recording != NULL, 0)) record_free(block);
}

/* A block that was resized is another one, of whoever did it, unless it only became shorter where it lies. */
static u64 saw_resized(u64 old, u64 block, u64 size, u64 began) {
  if (!block) return 0;
  if (__builtin_expect(may_be_sampled(old) && (old != block || size > sampled_size(old)), 0)) forget_sample(old);
  if (__builtin_expect((unsampled -= (s64)size + 1) < 0, 0)) sample(block, size);
  if (__builtin_expect(recording != NULL, 0)) record_resized(old, block, size, began);
  return block;
}

static inline u64 observed_malloc(u64 size) { return saw_new(hk_malloc(size), size, 0); }
static inline u64 observed_calloc(u64 count, u64 size) { return saw_new(hk_calloc(count, size), count * size, 0); }
static inline u64 observed_memalign(u64 alignment, u64 size) { return saw_new(hk_memalign(alignment, size), size, (unsigned)I64_CTZ(alignment)); }
static inline void observed_free(u64 block) { saw_end(block), hk_free(block); }
static inline void observed_free_sized(u64 block, u64 size) { saw_end(block), hk_free_sized(block, size); }
static inline void observed_free_aligned_sized(u64 block, u64 alignment, u64 size) { saw_end(block), hk_free_aligned_sized(block, alignment, size); }

static inline u32 observed_posix_memalign(u64 out, u64 alignment, u64 size) {
  u32 code = hk_posix_memalign(out, alignment, size);
  if (!code) saw_new(*(any_u64 *)out, size, (unsigned)I64_CTZ(alignment));
  return code;
}

/* The old block may be another thread's before we know of the new one: so its end is noted as of before. */
static u64 observed_realloc(u64 block, u64 size) {
  if (!block) return observed_malloc(size);
  u64 began = recording ? ticks_now() : 0;
  return saw_resized(block, hk_realloc(block, size), size, began);
}

static u64 observed_reallocarray(u64 block, u64 count, u64 size) {
  u64 began = recording ? ticks_now() : 0, resized = hk_reallocarray(block, count, size);
  return block ? saw_resized(block, resized, count * size, began) : saw_new(resized, count * size, 0);
}

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
static inline u64 observed_guard_new(u64 size, u64 alignment, u32 maker) { return saw_new(hk_guard_new(size, alignment, maker), size, alignment ? (unsigned)I64_CTZ(alignment) : 0); }
static inline void observed_guard_delete(u64 block, u64 size, u64 alignment, u32 maker) { saw_end(block), hk_guard_delete(block, size, alignment, maker); }
#define hk_guard_new observed_guard_new
#define hk_guard_delete observed_guard_delete
#else
#define hk_malloc_cached(size) 0 /* what has no frame is not seen */
#endif

/* The child of a fork shares its parent's files: it leaves them alone. One that starts another program there has its own. */
static void leave_observed(void) { stop_profile(), stop_recording(); }

static SLOW void begin_observing(void) {
  pthread_atfork(NULL, NULL, leave_observed);
  begin_profile();
  begin_recording();
}
