/*
 * Records what a native program asks of malloc: load in front of it with LD_PRELOAD; the events go to the file that
 * HAKMEM_RECORD names. Only ever used to make a new trace; see packages/tools/src/lab/trace/record.ts, which compiles and runs it.
 *
 *   event    ├ kind u64 ┼ address u64 ┼ size u64 ┤        kind: 0 malloc, 1 free, 2 realloc (address: the old block),
 *                                                                3 the result of the realloc before (address: the new block)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MALLOC, FREE, REALLOC, MOVED };

struct event {
  uint64_t kind, address, size;
};

static void *(*real_malloc)(size_t);
static void (*real_free)(void *);
static void *(*real_realloc)(void *, size_t);
static void *(*real_memalign)(size_t, size_t);

static struct event buffer[4096];
static size_t buffered;
static int file = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* dlsym allocates before the real functions are known; what it gets from here is never freed. */
static char early[65536];
static size_t early_used;

static int is_early(void *block) { return (char *)block >= early && (char *)block < early + sizeof early; }

static void *early_malloc(size_t size) {
  void *block = early + early_used;
  early_used += (size + 15) & ~(size_t)15;
  if (early_used > sizeof early) abort();
  return block;
}

static void write_out(void) {
  if (file >= 0 && buffered > 0 && write(file, buffer, buffered * sizeof *buffer) < 0) file = -1;
  buffered = 0;
}

static void note(uint64_t kind, void *address, size_t size) {
  buffer[buffered++] = (struct event){kind, (uintptr_t)address, size};
  if (buffered == sizeof buffer / sizeof *buffer) write_out();
}

__attribute__((constructor)) static void start(void) {
  const char *name = getenv("HAKMEM_RECORD");
  if (name) file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  unsetenv("HAKMEM_RECORD"); /* a program that this one starts records nothing */
}

__attribute__((destructor)) static void finish(void) {
  pthread_mutex_lock(&lock);
  write_out();
  pthread_mutex_unlock(&lock);
}

static void find_real(void) {
  real_memalign = dlsym(RTLD_NEXT, "memalign");
  real_realloc = dlsym(RTLD_NEXT, "realloc");
  real_free = dlsym(RTLD_NEXT, "free");
  real_malloc = dlsym(RTLD_NEXT, "malloc");
}

void *malloc(size_t size) {
  static int finding;
  if (!real_malloc) {
    if (finding) return early_malloc(size);
    finding = 1;
    find_real();
  }
  pthread_mutex_lock(&lock);
  void *block = real_malloc(size);
  if (block) note(MALLOC, block, size);
  pthread_mutex_unlock(&lock);
  return block;
}

void free(void *block) {
  if (!block || is_early(block)) return;
  pthread_mutex_lock(&lock);
  note(FREE, block, 0);
  real_free(block);
  pthread_mutex_unlock(&lock);
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *block = malloc(bytes);
  if (block) memset(block, 0, bytes);
  return block;
}

void *realloc(void *old, size_t size) {
  if (!old) return malloc(size);
  if (is_early(old)) {
    void *block = malloc(size);
    size_t rest = early + sizeof early - (char *)old;
    return block ? memcpy(block, old, size < rest ? size : rest) : NULL;
  }
  pthread_mutex_lock(&lock);
  void *block = real_realloc(old, size);
  if (block || size == 0) {
    note(REALLOC, old, size);
    note(MOVED, block, size);
  }
  pthread_mutex_unlock(&lock);
  return block;
}

void *memalign(size_t alignment, size_t size) {
  if (!real_malloc) free(malloc(1));
  pthread_mutex_lock(&lock);
  void *block = real_memalign(alignment, size);
  if (block) note(MALLOC, block, size);
  pthread_mutex_unlock(&lock);
  return block;
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *block = memalign(alignment, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}
