/* Calls every function of the library as the first one of a thread, or of the process.
 *
 *   first                       all of them, each in threads of its own: with nothing, and with blocks of another thread
 *   first handler               the same in a signal handler that interrupts such a thread
 *   first preinit NAME          one, before any constructor has run, the library's own too
 *   first constructor NAME      one, in a constructor of the program
 *   first names                 prints what there is to call
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include "check.h"

enum kind { ALLOCATES, ALLOCATES_TWO, ALLOCATES_ALIGNED, STORES, RESIZES, RESIZES_ARRAY, FREES, FREES_SIZED, FREES_ALIGNED, FREES_ALIGNED_SIZED, FREES_SIZED_ALIGNED, MEASURES, INFORMS, OWNS, PREWARMS, CALLS, REPORTS, OPENS, OPENS_IN };

/* name, what it does with which arguments, and what makes the blocks that it frees */
#define FUNCTIONS(X) \
  X(malloc, ALLOCATES, 0) X(calloc, ALLOCATES_TWO, 0) X(realloc, RESIZES, malloc) X(reallocarray, RESIZES_ARRAY, malloc) \
  X(memalign, ALLOCATES_TWO, 0) X(aligned_alloc, ALLOCATES_TWO, 0) X(posix_memalign, STORES, 0) X(valloc, ALLOCATES, 0) \
  X(pvalloc, ALLOCATES, 0) X(malloc_usable_size, MEASURES, malloc) X(malloc_trim, CALLS, 0) X(malloc_stats, CALLS, 0) \
  X(mallinfo, INFORMS, 0) X(mallinfo2, INFORMS, 0) X(mallopt, CALLS, 0) X(free, FREES, malloc) X(cfree, FREES, malloc) \
  X(free_sized, FREES_SIZED, malloc) X(free_aligned_sized, FREES_ALIGNED_SIZED, aligned_alloc) \
  X(__libc_malloc, ALLOCATES, 0) X(__libc_free, FREES, malloc) X(__libc_calloc, ALLOCATES_TWO, 0) X(__libc_realloc, RESIZES, malloc) \
  X(__libc_memalign, ALLOCATES_TWO, 0) X(__libc_valloc, ALLOCATES, 0) X(__libc_pvalloc, ALLOCATES, 0) X(__posix_memalign, STORES, 0) \
  X(_Znwm, ALLOCATES, 0) X(_Znam, ALLOCATES, 0) X(_ZnwmRKSt9nothrow_t, ALLOCATES, 0) X(_ZnamRKSt9nothrow_t, ALLOCATES, 0) \
  X(_ZnwmSt11align_val_t, ALLOCATES_ALIGNED, 0) X(_ZnamSt11align_val_t, ALLOCATES_ALIGNED, 0) \
  X(_ZnwmSt11align_val_tRKSt9nothrow_t, ALLOCATES_ALIGNED, 0) X(_ZnamSt11align_val_tRKSt9nothrow_t, ALLOCATES_ALIGNED, 0) \
  X(_ZdlPv, FREES, _Znwm) X(_ZdaPv, FREES, _Znam) X(_ZdlPvm, FREES_SIZED, _Znwm) X(_ZdaPvm, FREES_SIZED, _Znam) \
  X(_ZdlPvRKSt9nothrow_t, FREES, _Znwm) X(_ZdaPvRKSt9nothrow_t, FREES, _Znam) \
  X(_ZdlPvSt11align_val_t, FREES_ALIGNED, _ZnwmSt11align_val_t) X(_ZdaPvSt11align_val_t, FREES_ALIGNED, _ZnamSt11align_val_t) \
  X(_ZdlPvSt11align_val_tRKSt9nothrow_t, FREES_ALIGNED, _ZnwmSt11align_val_t) \
  X(_ZdaPvSt11align_val_tRKSt9nothrow_t, FREES_ALIGNED, _ZnamSt11align_val_t) \
  X(_ZdlPvmSt11align_val_t, FREES_SIZED_ALIGNED, _ZnwmSt11align_val_t) X(_ZdaPvmSt11align_val_t, FREES_SIZED_ALIGNED, _ZnamSt11align_val_t) \
  X(hakmem_stat, CALLS, 0) X(hakmem_write_stats, REPORTS, 0) X(hakmem_prewarm, PREWARMS, 0) X(hakmem_owns, OWNS, malloc) X(hakmem_profile, CALLS, 0) \
  X(hakmem_thread_id, CALLS, 0) X(hakmem_thread_exit, CALLS, 0) X(hakmem_thread_reclaim, CALLS, 0) \
  X(dlopen, OPENS, 0) X(dlmopen, OPENS_IN, 0)

typedef void function(void);
#define DECLARE(name, kind, maker) extern function called_##name __asm__(#name);
FUNCTIONS(DECLARE)
#define ROW(name, kind, maker) {#name, called_##name, kind, #maker},
static const struct row { const char *name; function *call; enum kind kind; const char *maker; } rows[] = {FUNCTIONS(ROW)};
#define ROWS (sizeof rows / sizeof *rows)

#define ALIGNMENT 64
static const size_t sizes[] = {0, 192, 6400, 102400, 1048576}; /* 0: no block */

static const struct row *find(const char *name) {
  for (size_t i = 0; i < ROWS; i++) if (!strcmp(rows[i].name, name)) return &rows[i];
  return NULL;
}

#define CALL(type, ...) ((type)row->call)(__VA_ARGS__)
typedef void *with_size(size_t), *with_two(size_t, size_t), *with_block(void *, size_t), *with_array(void *, size_t, size_t);
typedef int store(void **, size_t, size_t);
typedef void release(void *, size_t, size_t);
typedef size_t measure(const void *), prewarm(size_t, size_t);
typedef int owns(const void *), number(size_t, size_t);
typedef struct mallinfo2 inform(void); /* the largest of what is returned in memory */
typedef void *open(const char *, int), *open_in(long, const char *, int);

/* A block that belongs to `row`; null for none. */
static void *make(const struct row *row, size_t size) {
  if (!size || !(row = find(row->maker))) return NULL;
  switch (row->kind) {
    case ALLOCATES: return CALL(with_size *, size);
    case ALLOCATES_TWO: return CALL(with_two *, ALIGNMENT, size);
    default: return CALL(with_two *, size, ALIGNMENT);
  }
}

static void use(void *block, size_t size) {
  CHECK(block && (uintptr_t)block % 16 == 0);
  memset(block, 1, size);
}

static void call(const struct row *row, void *block, size_t size) {
  void *stored = NULL;
  size_t least = size ? size : 100;
  switch (row->kind) {
    case ALLOCATES: use(CALL(with_size *, least), least); break;
    case ALLOCATES_TWO: use(CALL(with_two *, ALIGNMENT, 4 * ALIGNMENT), 4 * ALIGNMENT); break;
    case ALLOCATES_ALIGNED: use(CALL(with_two *, least, ALIGNMENT), least); break;
    case STORES: CHECK(CALL(store *, &stored, ALIGNMENT, least) == 0); use(stored, least); break;
    case RESIZES: use(CALL(with_block *, block, 2 * least), 2 * least); break;
    case RESIZES_ARRAY: use(CALL(with_array *, block, 2, least), 2 * least); break;
    case FREES: CALL(release *, block, 0, 0); break;
    case FREES_SIZED: CALL(release *, block, size, 0); break;
    case FREES_ALIGNED: CALL(release *, block, ALIGNMENT, 0); break;
    case FREES_ALIGNED_SIZED: CALL(release *, block, ALIGNMENT, size); break;
    case FREES_SIZED_ALIGNED: CALL(release *, block, size, ALIGNMENT); break;
    case MEASURES: CHECK(CALL(measure *, block) >= size); break;
    case INFORMS: (void)CALL(inform *); break;
    case OWNS: CHECK(CALL(owns *, block) == (block != NULL)); break;
    case PREWARMS: CHECK(CALL(prewarm *, ALIGNMENT, 8) >= 8 || find("hakmem_profile")->call == NULL); break;
    case CALLS: (void)CALL(number *, 0, 0); break;
    case REPORTS: CHECK(CALL(number *, (size_t)-1, 0) == EBADF); break;
    case OPENS: CHECK(CALL(open *, NULL, RTLD_NOW)); break;
    case OPENS_IN: CHECK(CALL(open_in *, 0, NULL, RTLD_NOW)); break;
  }
}

/* ---- in a thread ---- */

static const struct row *row_now;
static void *block_now;
static size_t size_now;
static int in_handler;

static void call_now(int signal) {
  (void)signal;
  call(row_now, block_now, size_now);
}

static void *thread(void *unused) {
  if (in_handler) raise(SIGUSR1);
  else call_now(0);
  return unused;
}

static void call_in_threads(void) {
  signal(SIGUSR1, call_now);
  for (size_t i = 0; i < ROWS; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
      pthread_t id;
      row_now = &rows[i], size_now = sizes[j], block_now = make(row_now, size_now);
      if (!row_now->call) continue;
      CHECK(pthread_create(&id, NULL, thread, NULL) == 0);
      CHECK(pthread_join(id, NULL) == 0);
    }
}

/* ---- in the process ---- */

static void call_first(int count, char **arguments, const char *when) {
  if (count != 3 || strcmp(arguments[1], when)) return;
  const struct row *row = find(arguments[2]);
  CHECK(row && row->call);
  call(row, NULL, 0);
}

static void before_all(int count, char **arguments, char **environment) { (void)environment; call_first(count, arguments, "preinit"); }
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(int, char **, char **) = before_all;

#pragma GCC diagnostic ignored "-Wprio-ctor-dtor" /* before the library's own, which is 101: it matters where it is linked in */
__attribute__((constructor(100))) static void construct(int count, char **arguments) { call_first(count, arguments, "constructor"); }

int main(int count, char **arguments) {
  if (count == 2 && !strcmp(arguments[1], "names")) {
    for (size_t i = 0; i < ROWS; i++) puts(rows[i].name);
    return 0;
  }
  in_handler = count == 2 && !strcmp(arguments[1], "handler");
  if (count < 3) call_in_threads();
  void *volatile block = malloc(100);
  free(block);
  puts("done");
  return 0;
}
