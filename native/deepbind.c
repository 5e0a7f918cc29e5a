/* Plug-ins that are loaded with RTLD_DEEPBIND, in the shared library only.
 *
 * The flag makes a plug-in look for malloc and free in the C library before it
 * looks where LD_PRELOAD has put ours: it then frees with the one what the
 * program has from the other. So the flag is taken out on its way to the dynamic
 * linker. (PHP's command line loads its extensions so.)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>

#define PUBLIC __attribute__((visibility("default")))

extern bool hakmem_keeps_deepbind; /* in library.c: HAKMEM_KEEP_DEEPBIND */

static int mended(int flags) { return hakmem_keeps_deepbind ? flags : flags & ~RTLD_DEEPBIND; }

/* The dynamic linker looks at its caller's return address for the caller's own search path (RUNPATH, $ORIGIN), so the next
 * function must be the program's callee: both calls below have to be jumps, which a test watches. */
typedef void *open_function(const char *, int);
typedef void *open_in_function(Lmid_t, const char *, int);

PUBLIC void *dlopen(const char *file, int flags) {
  static open_function *known; /* several threads may look for it */
  open_function *next = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!next) __atomic_store_n(&known, next = (open_function *)dlsym(RTLD_NEXT, "dlopen"), __ATOMIC_RELAXED);
  return next(file, mended(flags));
}

/* In a namespace of its own a plug-in has a C library of its own, and is left to it. */
PUBLIC void *dlmopen(Lmid_t space, const char *file, int flags) {
  static open_in_function *known;
  open_in_function *next = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!next) __atomic_store_n(&known, next = (open_in_function *)dlsym(RTLD_NEXT, "dlmopen"), __ATOMIC_RELAXED);
  return next(space, file, space == LM_ID_BASE ? mended(flags) : flags);
}
