/* libhakmem: the generated allocator under the names that programs call.
 *
 * Everything is one translation unit, so that malloc and free are a thread-local
 * load, a few instructions of the allocator, and a return.
 */
#if !defined(__wasm__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "hakmem.h"
#include "runtime.h"
#include "messages.h"
#ifdef __wasm__
#include "webassembly.h"
#else
#include "linux.h"
#endif
#include "allocator.gen.h" /* written by packages/tools/src/build/native-source.ts */
#include "report.h"

#ifdef HAKMEM_OBSERVE
#ifdef __wasm__
#include "observe-webassembly.h"
#else
#include "observe.h"
#endif
#include "observed.h"
#endif

#define PUBLIC __attribute__((visibility("default")))
#define WEAK PUBLIC __attribute__((weak))
#define ALIAS(of) PUBLIC __attribute__((alias(#of)))

static inline void *or_errno(word address) { return (void *)(address ? address : platform_outOfMemory()); }

/* ---- C ---- */

/* What has fallbacks of its own, which set errno. */
#ifdef HAKMEM_GUARD
#define or_told or_errno
#else
#define or_told (void *)
#endif
PUBLIC void *malloc(size_t size) { return or_told(hk_malloc(size)); }
PUBLIC void free(void *pointer) { hk_free((word)pointer); }
PUBLIC void *calloc(size_t count, size_t size) { return or_errno(hk_calloc(count, size)); }

PUBLIC void *realloc(void *pointer, size_t size) {
#ifdef __linux__
  if (!size && pointer) return free(pointer), NULL; /* as in glibc, which programs for Linux rely on */
#endif
  return or_told(hk_realloc((word)pointer, size));
}

PUBLIC void *reallocarray(void *pointer, size_t count, size_t size) {
  return count && size ? or_errno(hk_reallocarray((word)pointer, count, size)) : realloc(pointer, 0);
}

PUBLIC void *memalign(size_t alignment, size_t size) {
  if (!alignment || alignment & (alignment - 1)) return set_error(EINVAL), NULL;
  return or_errno(hk_memalign(alignment, size));
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size) __attribute__((alias("memalign")));
PUBLIC int posix_memalign(void **out, size_t alignment, size_t size) {
  u32 code = hk_posix_memalign((word)out, alignment, size); /* Linux's codes; other systems have others */
  return code == 22 ? EINVAL : code ? ENOMEM : 0;
}
PUBLIC size_t malloc_usable_size(void *pointer) { return hk_malloc_usable_size((word)pointer); }
PUBLIC void free_sized(void *pointer, size_t size) { hk_free_sized((word)pointer, size); }
PUBLIC void free_aligned_sized(void *pointer, size_t alignment, size_t size) { hk_free_aligned_sized((word)pointer, alignment, size); }

/* ---- figures ---- */

PUBLIC size_t hakmem_stat(enum hakmem_stat what) { return hk_heap_stat((u32)what); }
PUBLIC size_t hakmem_prewarm(size_t size, size_t count) { return hk_malloc_prewarm(size, count); }
PUBLIC unsigned hakmem_thread_id(void) { return hk_thread_id(); }
PUBLIC void hakmem_thread_exit(void) { hk_thread_exit(); }
PUBLIC int hakmem_thread_reclaim(unsigned id) { return (int)hk_thread_reclaim(id); }
PUBLIC int hakmem_owns(const void *pointer) { return hk_region_kind((word)pointer) != 0; }
PUBLIC const char *hakmem_profile(void) { return HAKMEM_PROFILE; }
PUBLIC int malloc_trim(size_t pad) { return (int)hk_malloc_trim(pad); }

#ifdef __wasm__
#include "webassembly-names.h"
#else
#include "linux-names.h"
#endif
